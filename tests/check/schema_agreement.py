#!/usr/bin/python3
"""The published JSON Schema and the program give the same verdict on documents.

    schema_agreement.py PROGRAM

PROGRAM is document_verdicts. From every example, and from a document that uses every field, broken
and unbroken variants are made. What the program holds valid the schema must accept, and what the
program's parser refuses the schema must refuse. What only the program's rules that span fields
refuse, the schema accepts too, apart from the few such rules it can express.
"""

import json
import re
import subprocess
import sys

from document_variants import ROOT, corpus

try:
    import jsonschema
except ImportError:
    print("SKIPPED: the Python module jsonschema is missing")
    sys.exit(77)

MIN_DOCUMENTS = 1000
SHOWN = 10

# Faults of rules that span fields, which the schema can express all the same.
SPANNING_RULES_OF_THE_SCHEMA = re.compile(
    r"^\S*/(mark|one_packet|persistence_netmask|addresses/\d+|macs/\d+): ")

# Where the two may differ, and why. The parser refuses each of these texts, the schema doesn't; a
# text that shows no difference any more fails the check, so that this list stays true. {} is where
# the rest of a valid document stands.
EXCEPTIONS = {
    "1.0 is an integer to JSON Schema": '{"version": 1.0, {}}',
    "1e0 is an integer to JSON Schema": '{"version": 1e0, {}}',
    "repeated keys are gone before a validator looks": '{"version": 1, "version": 1, {}}',
    "half a surrogate pair is no character, but gets through Python's reader":
        '{"version": 1, {}, "vips": {"v": {"address": "10.0.0.1", "interface": "\\ud800",'
        ' "role": "master", "bypass": "none", "services": []}}}',
    "an interface's name is limited in bytes, the schema counts characters":
        '{"version": 1, {}, "vips": {"v": {"address": "10.0.0.1", "interface": "eeeeeeeeeeeeee\\u00e9",'
        ' "role": "master", "bypass": "none", "services": []}}}',
    "the kernel takes the byte a0, part of some characters, for white space":
        '{"version": 1, {}, "vips": {"v": {"address": "10.0.0.1", "interface": "\\u00e0",'
        ' "role": "master", "bypass": "none", "services": []}}}',
    "the schema has no limit of size": '{"version": 1, ' + " " * (1 << 20) + "{}}",
}
REST = ('"nodes": {"a": {"addresses": ["10.0.0.2"], "macs": ["02:00:00:00:00:01"]},'
        ' "b": {"addresses": ["10.0.0.3"], "macs": ["02:00:00:00:00:02"]}}')
NO_VIPS = ', "vips": {}'


def distinct(documents):
    texts = {}
    for document in documents:
        texts.setdefault(json.dumps(document), document)
    return texts


def verdicts(program, texts):
    lines = "".join(text + "\n" for text in texts)
    run = subprocess.run([program], input=lines, capture_output=True, check=True,
                         encoding="utf-8")
    answers = [line.split("\t") for line in run.stdout.split("\n")[:-1]]
    if len(answers) != len(texts):
        sys.exit(f"{program} answered {len(answers)} of {len(texts)} documents")
    return [(verdict, faults) for verdict, *faults in answers]


def agree(verdict, faults, accepted):
    if verdict == "valid":
        return accepted
    if verdict == "parse-refused":
        return not accepted
    return accepted or any(SPANNING_RULES_OF_THE_SCHEMA.match(fault) for fault in faults)


def exceptions_that_are_none(program, validator):
    """Exceptions from which the reason has gone."""
    texts = []
    for text in EXCEPTIONS.values():
        texts.append(text.replace("{}", REST + ("" if '"vips"' in text else NO_VIPS), 1))
    for reason, text, (verdict, _) in zip(EXCEPTIONS, texts, verdicts(program, texts)):
        if verdict != "parse-refused" or not validator.is_valid(json.loads(text)):
            yield f"listed as an exception, but shows no difference: {reason} ({verdict})"


def main(program):
    validator = jsonschema.Draft7Validator(
        json.loads((ROOT / "schema/document.schema.json").read_text(encoding="utf-8")))
    validator.check_schema(validator.schema)
    documents = distinct(corpus())
    answers = verdicts(program, list(documents))
    disagreed = list(exceptions_that_are_none(program, validator))
    counts = dict.fromkeys(("valid", "validate-refused", "parse-refused"), 0)
    for (text, document), (verdict, faults) in zip(documents.items(), answers):
        counts[verdict] += 1
        accepted = validator.is_valid(document)
        if not agree(verdict, faults, accepted):
            words = "accepts" if accepted else "refuses"
            disagreed.append(f"the schema {words}, the program says {verdict} {faults}\n  {text[:2000]}")
    for line in disagreed[:SHOWN]:
        print(line)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    print(f"{len(documents) - len(disagreed)} agreed, {len(disagreed)} disagreed")
    if len(documents) < MIN_DOCUMENTS or 0 in counts.values():
        sys.exit(f"the corpus is too small or one-sided: {len(documents)} documents")
    sys.exit(1 if disagreed else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
