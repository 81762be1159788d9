/* A leak of glibc's heap and of hardly any object: every few minutes a batch of messages is read into buffers of 4, 8,
 * 16, 32 or 64 KiB, and each buffer is then shrunk to the summary that is kept. What is cut off is free again, but lies
 * between two summaries: it is a little too short for the next buffer of that size, serves smaller ones at best, and is
 * not at the end of the heap, where it could be given back. */

#include "clock.h"
#include <string.h>

enum { MESSAGES = 16, SUMMARY = 96 };

struct summary {
	struct summary *next;
	char text[SUMMARY];
};

static struct summary *summaries;

int main(int argc, char **argv)
{
	start_clock(argc, argv);
	for (long batch = 0;; wait_a_little())
		for (; batch * 2.75 < minutes(); batch++) {
			struct summary *messages[MESSAGES];
			for (int i = 0; i < MESSAGES; i++) {
				size_t size = (size_t)4096 << random() % 5;
				messages[i] = malloc(size);
				memset(messages[i], 1, size);
			}
			for (int i = 0; i < MESSAGES; i++) {
				struct summary *summary = realloc(messages[i], sizeof *summary);
				summary->next = summaries;
				summaries = summary;
			}
		}
}
