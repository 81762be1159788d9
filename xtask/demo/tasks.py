"""What the homework scraper does behind its web side, every few seconds."""

import celery
import redis

BROKER = "redis+socket:///run/redis/redis-server.sock"

app = celery.Celery("tasks", broker=BROKER)
app.conf.broker_connection_retry_on_startup = True
app.conf.beat_schedule = {"scrape": {"task": "tasks.scrape", "schedule": 5.0}}
store = redis.Redis(unix_socket_path="/run/redis/redis-server.sock")


@app.task(ignore_result=True)
def scrape():
    store.incr("scraped")
