"""The one exception that means: the user can fix this."""


class UserError(Exception):
    """A mistake in what the user gave: an option, a file, a folder, a machine without a compiler.

    Its text is a sentence that names the file or the value and says what would be right. Programs print it and exit
    with status 2; everything else is a defect and keeps its traceback.
    """
