/* A leak of threads: every two and a half minutes one is started that uses some of its stack, and then waits for an
 * answer that never comes. */

#include "clock.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { USED = 128 << 10 };

static void *job(void *nothing)
{
	char work[USED];
	explicit_bzero(work, USED);
	for (;;)
		pause();
	return nothing;
}

int main(int argc, char **argv)
{
	start_clock(argc, argv);
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 2 * USED);
	for (long threads = 0;; wait_a_little())
		for (; threads * 2.5 < minutes(); threads++) {
			pthread_t thread;
			int error = pthread_create(&thread, &attributes, job, NULL);
			if (error)
				errx(1, "cannot start thread %ld: %s", threads, strerror(error));
		}
}
