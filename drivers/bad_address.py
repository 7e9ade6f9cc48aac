"""An address of site.toml that no driver understands, as every driver says it."""


class BadAddress(ValueError):
    """`str()` is what is wrong and what was expected, in English; it never repeats the address.

    `code`, `parameters`, `why`: what is wrong, as a value for who says it in another language, and in English; all
    empty where `expected` says everything.
    """

    def __init__(self, code: str = "", why: str = "", expected: str = "", **parameters: str | int) -> None:
        super().__init__("; ".join(part for part in (why, expected) if part))
        self.code = code
        self.why = why
        self.parameters = parameters
