"""A server between us and a node, or in place of one."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.request import Request, urlopen


class Provider:
    """Passes requests on to a node, after it has given the answers that are due first: (status, body). bodies: of all that
    it was asked. Its URL has a secret in it, as those of providers have."""

    def __init__(self, url, answers):
        self.bodies = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                provider.bodies.append(body)
                status, text = answers.pop(0) if answers else (200, None)
                if text is None:
                    text = urlopen(Request(url, body, {"Content-Type": "application/json"})).read()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v3/secret-token"

    @property
    def asked(self):
        return len(self.bodies)

    def __enter__(self):
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()
