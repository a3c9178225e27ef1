"""A DynamoDB that answers at once from memory: what remains is the client's own CPU.

`python -m bench.dynamodb_stub` prints its port and serves 127.0.0.1 until its input closes.
"""

import json
import socketserver
import sys
import threading
from typing import Any, Final

ITEM: Final = {
    "pk": {"S": "ORDER#ord_01J80000000000000000000001"},
    "sk": {"S": "META"},
    "status": {"S": "PAID"},
    "version": {"N": "5"},
    "total": {"N": "6800"},
    "currency": {"S": "EUR"},
    "lines": {
        "L": [
            {
                "M": {
                    "variant_id": {"S": f"var_01J8000000000000000000000{place}"},
                    "title": {"S": "Tagine, blue, glazed by hand"},
                    "quantity": {"N": "2"},
                    "unit_price": {"N": "3400"},
                }
            }
            for place in range(5)
        ]
    },
}
REPLIES: Final[dict[str, dict[str, Any]]] = {
    "GetItem": {"Item": ITEM},
    "Query": {"Items": [ITEM] * 25, "Count": 25, "ScannedCount": 25},
    "PutItem": {},
}


def _written(operation: str) -> bytes:
    body = json.dumps(REPLIES[operation]).encode()
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n"
        f"x-amzn-requestid: bench\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


WRITTEN: Final = {operation: _written(operation) for operation in REPLIES}


class Answer(socketserver.StreamRequestHandler):
    """Serves one kept-alive connection."""

    def handle(self) -> None:
        """Read a request, write the ready reply of its operation, until the client leaves."""
        while line := self.rfile.readline():
            headers: dict[str, str] = {}
            while (line := self.rfile.readline().strip()) and b":" in line:
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            self.rfile.read(int(headers.get("content-length", "0")))
            self.wfile.write(WRITTEN[headers["x-amz-target"].rpartition(".")[2]])


def main() -> None:
    """Serve until standard input closes."""
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
