"""The homework scraper's feed. It keeps every page that it ever rendered, which is a leak."""

pages = []


def app(environ, start_response):
    # 100 KiB, written to: the kernel gives no memory for what is only asked for.
    pages.append(bytearray(b"homework, ") * 10240)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{len(pages)} pages kept\n".encode()]
