/* Time that passes faster: FACTOR, the first argument of every program, says how many seconds a second stands for. */

#define _GNU_SOURCE
#include <err.h>
#include <stdlib.h>
#include <time.h>

static double factor, start;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static inline void start_clock(int argc, char **argv)
{
	if (argc < 2 || (factor = atof(argv[1])) <= 0)
		errx(2, "usage: %s FACTOR", argv[0]);
	start = seconds();
}

/* Minutes since the start. Programs do what is due by then: a slow machine makes them late, and not idle. */
static inline double minutes(void)
{
	return (seconds() - start) * factor / 60;
}

/* Waits half a minute. */
static inline void wait_a_little(void)
{
	double span = 30 / factor;
	struct timespec ts = { (time_t)span, (long)((span - (time_t)span) * 1e9) };
	nanosleep(&ts, NULL);
}
