#!/bin/sh
# Stands in for Python where Jittor compiles an operator:
#     sh compile_operator.sh asm_tuner.py --cc_path=COMPILER SOURCE FLAG... -o LIBRARY
# Its asm_tuner.py edits the assembly between two calls of the compiler, where the source asks for that; elsewhere one
# call does the same. The library comes into its place whole: another process may have loaded, or be loading, the one
# that is there.
case "$1" in
    */asm_tuner.py) ;;
    *) exec "$JGAN_PYTHON" "$@" ;;
esac
if grep -q '@begin' "$3"; then
    exec "$JGAN_PYTHON" "$@"
fi
shift
compiler="${1#--cc_path=}"
shift
for library; do :; done
for argument; do
    shift
    [ "$argument" = "$library" ] || set -- "$@" "$argument"
done
"$compiler" "$@" "$library.$$" && mv -f "$library.$$" "$library"
