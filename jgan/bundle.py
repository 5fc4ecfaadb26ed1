"""Gather what one function needs from the package into a program that stands alone."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Container
from pathlib import Path

PACKAGE = __name__.partition(".")[0]
KERNELS, PLAIN = "jgan.kernels.", "jgan.kernels.plain"  # whose C++ files can't come along, and what stands for them


def bundle(module: str, function: str, *, docstring: str, first: tuple[str, str]) -> str:
    """The source of a program that runs `function` of `module`, holding all of the package that it reaches.

    `first` is another (module, function): the program calls it before it imports anything that this one does not use.
    Definitions stand as they do in the package, after those they build on; what is not reached is left out, and the
    kernels are replaced by their plain twins. For that, a module reached must import from the package at its top and by
    name (`from jgan.x import y`), and no two definitions may share a name; ValueError is raised otherwise.
    """
    modules: dict[str, _Module] = {}
    _reach(*first, modules)
    first_parts = _dependencies_first(first[0], modules)
    head = {statement for part in first_parts for _, statement in part.imports_used()}
    prologue = [text for part in first_parts for text in part.texts()]
    done = {part.name: set(part.reached) for part in first_parts}

    _reach(module, function, modules)
    parts = _dependencies_first(module, modules)
    _require_unique_names(list(modules.values()))
    imports = {statement for part in parts for _, statement in part.imports_used()} - head
    definitions = [text for part in parts for text in part.texts(without=done.get(part.name, set()))]
    blocks = [
        f'"""{docstring}"""\n\nfrom __future__ import annotations\n\n' + "\n".join(sorted(head)),
        *prologue,
        f"{first[1]}()\n\n" + "\n".join(sorted(imports)),
        *definitions,
        f'if __name__ == "__main__":\n    {function}()\n',
    ]
    return "\n\n\n".join(blocks)


class _Module:
    """One source file of the package: its definitions and imports by the names it knows them by."""

    def __init__(self, name: str):
        self.name = name
        source = Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")
        self.lines = source.splitlines()
        self.definitions: dict[str, ast.stmt] = {}
        self.from_package: dict[str, str] = {}  # name -> the module that defines it
        self.from_outside: list[tuple[str, str]] = []  # a name, and a statement that imports it
        self.reached: set[str] = set()
        for node in ast.parse(source).body:
            self._record(node)

    def _record(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            self._define(node.name, node)
        elif isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
            for target in node.targets:
                self._define(target.id, node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            self._define(node.target.id, node)
        elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
            pass
        elif isinstance(node, ast.ImportFrom) and _is_of_package(node):
            for alias in node.names:
                if node.level or alias.asname or importlib.util.find_spec(node.module).submodule_search_locations:
                    raise ValueError(f"{self.name} imports {alias.name} otherwise than by name from its module")
                self.from_package[alias.name] = PLAIN if node.module.startswith(KERNELS) else node.module
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_of_package(node):
            for alias in node.names:
                alone = ast.copy_location(type(node)(**{**vars(node), "names": [alias]}), node)
                self.from_outside.append((alias.asname or alias.name.partition(".")[0], ast.unparse(alone)))
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # a docstring
            raise ValueError(f"{self.name}, line {node.lineno}: a bundle holds definitions and imports alone")

    def _define(self, name: str, node: ast.stmt) -> None:
        if name in self.definitions:
            raise ValueError(f"{name} is defined twice in {self.name}")
        self.definitions[name] = node

    def uses(self, name: str) -> set[str]:
        """The names that a definition speaks of."""
        if any(map(_is_of_package, ast.walk(self.definitions[name]))):
            raise ValueError(f"{self.name}.{name} imports from the package within itself")
        return {node.id for node in ast.walk(self.definitions[name]) if isinstance(node, ast.Name)}

    def imports_used(self) -> set[tuple[str, str]]:
        """The names from outside the package that the definitions reached speak of, each with its import."""
        used = set().union(*map(self.uses, self.reached))
        return {(name, statement) for name, statement in self.from_outside if name in used}

    def texts(self, without: Container[str] = ()) -> list[str]:
        """The definitions reached, as written, in their order."""
        nodes = {id(self.definitions[name]): self.definitions[name] for name in self.reached if name not in without}
        spans = [
            (min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]), node.end_lineno)
            for node in nodes.values()
        ]
        return ["\n".join(self.lines[first - 1 : last]) for first, last in sorted(spans)]


def _reach(module: str, name: str, modules: dict[str, _Module]) -> None:
    if module not in modules:
        modules[module] = _Module(module)
    part = modules[module]
    if name in part.reached:
        return
    part.reached.add(name)
    for used in part.uses(name):
        if used in part.definitions:
            _reach(module, used, modules)
        elif used in part.from_package:
            _reach(part.from_package[used], used, modules)


def _dependencies_first(module: str, modules: dict[str, _Module]) -> list[_Module]:
    ordered: dict[str, _Module] = {}

    def visit(name: str) -> None:
        for dependency in modules[name].from_package.values():
            if dependency in modules and dependency not in ordered:
                visit(dependency)
        ordered[name] = modules[name]

    visit(module)
    return list(ordered.values())


def _require_unique_names(parts: list[_Module]) -> None:
    owners: dict[str, str] = {}
    for part in parts:
        origins = [(name, part.name) for name in part.reached]
        origins += [(name, statement) for name, statement in part.imports_used()]
        for name, origin in origins:
            known = owners.setdefault(name, origin)
            if known != origin and not (known.startswith(f"import {name}") and origin.startswith(f"import {name}")):
                raise ValueError(f"{name} is defined in {known!r} and in {origin!r}; a bundle can hold one")


def _is_of_package(node: ast.AST) -> bool:
    """Whether the node imports from the package."""
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or node.module.partition(".")[0] == PACKAGE
    return isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == PACKAGE for alias in node.names)
