"""A simulated confirmation terminal that registers reference numbers (照会番号): takes requests, writes answers.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as made:
    ...     terminal = RegistrationTerminal(Path(made).as_uri(), Path(made).as_uri())
    ...     _ = Path(made, "OQSsiimm01req_202601150001.xml").write_text("<ReferenceNumber>1</ReferenceNumber>")
    ...     taken = terminal.poll()
    ...     left = [file.name for file in Path(made).iterdir()]
    >>> taken, left
    (1, ['OQSsiimm01res_202601150001.xml'])

The answer's structure is that of the one real answer that is publicly described; codes and words are invented.
Must never take a file that has no name of a request: what lies beside it is the program's under test.
"""

import re
from typing import Literal

from drivers.share import Exists, open_share

# registered, failed: as the terminal says it. silent: the request is taken and nothing comes. other_number: the answer
# has another number. half: the answer ends in the middle.
Manner = Literal["registered", "failed", "silent", "other_number", "half"]
_REQUEST = re.compile(r"OQSsiimm01req_[0-9]{12}\.xml")
_LIMIT = 65_536


class RegistrationTerminal:
    """Works in the shares at two URLs (smb:// or file://), as the terminal's program does that polls its folder.

    `manner` may be changed at any time. `taken`: name and bytes of every request, in order. One thread.
    """

    def __init__(self, requests: str, answers: str, password: str | None = None) -> None:
        self.manner: Manner = "registered"
        self.taken: list[tuple[str, bytes]] = []
        self._requests = open_share(requests, password)
        self._answers = open_share(answers, password)

    def poll(self) -> int:
        """Take what lies there and answer it; how many. Any ShareError."""
        names = sorted(entry.name for entry in self._requests.entries("OQSsiimm01req_*.xml"))
        names = [name for name in names if _REQUEST.fullmatch(name)]
        for name in names:
            raw = self._requests.read(name, _LIMIT)
            self.taken.append((name, raw))
            self._requests.remove(name)
            if self.manner != "silent":
                self._answer(name, raw.decode("cp932"))
        return len(names)

    def _answer(self, name: str, request: str) -> None:
        def element(tag: str, value: str | None = None) -> str:
            found = re.search(f"<{tag}>([^<]*)</{tag}>", request)
            return f"<{tag}>{value or found[1]}</{tag}>" if found else ""

        header = element("ArbitraryFileIdentifier") + element("MedicalInstitutionCode")
        insurance = ("InsurerNumber", "InsuredIdentificationNumber", "InsuredCardSymbol", "InsuredBranchNumber")
        details = element("ReferenceNumber", "99999" if self.manner == "other_number" else None)
        details += "".join(map(element, insurance))
        status = "<ProcessingResultStatus>1</ProcessingResultStatus>"
        if self.manner == "failed":
            status = (
                "<ProcessingResultStatus>2</ProcessingResultStatus><ProcessingResultCode>E-SYNTH</ProcessingResultCode>"
                "<ProcessingResultMessage>模擬登録エラー</ProcessingResultMessage>"
            )
        answer = (
            '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<XmlMsg><MessageHeader>'
            "<ProcessExecutionTime>20260115090001</ProcessExecutionTime>"
            "<CharacterCodeIdentifier>0</CharacterCodeIdentifier><SegmentOfResult>1</SegmentOfResult>"
            f"{header}</MessageHeader><MessageBody><ReferenceNumberRegistrationInfo>{details}"
            f"</ReferenceNumberRegistrationInfo>{status}</MessageBody></XmlMsg>\n"
        ).encode()
        if self.manner == "half":
            answer = answer[: len(answer) // 2]
        try:
            self._answers.put(name.replace("req_", "res_"), [answer])
        except Exists:
            return  # another program asked under the same name; the terminal does not overwrite
