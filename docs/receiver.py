"""Prints every webhook that arrives: python3 docs/receiver.py [PORT]. Needs Python alone."""

import http.server
import json
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes everything and says 200."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        print(f"\n{self.command} {self.path}")
        for name, value in self.headers.items():
            if name.lower().startswith(("webhook-", "x-chatwoot-")):
                print(f"{name}: {value}")
        try:
            print(json.dumps(json.loads(body), indent=2, ensure_ascii=False))
        except ValueError:
            print(body.decode(errors="replace"))
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """The request itself is printed; a line about it would say it twice."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    with http.server.ThreadingHTTPServer(("", port), Receiver) as server:
        print(f"receiving on port {port}", flush=True)
        server.serve_forever()
