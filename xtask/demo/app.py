"""The homework scraper's web side: tells how many pages were scraped."""

import redis

store = redis.Redis(unix_socket_path="/run/redis/redis-server.sock")


def app(environ, start_response):
    scraped = int(store.get("scraped") or 0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{scraped} pages scraped\n".encode()]
