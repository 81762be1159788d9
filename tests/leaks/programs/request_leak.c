/* A leak per request: a small HTTP server on the loopback's port 8090 that remembers each client's last question, finds
 * none of them again, and answers. */

#include "clock.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct session {
	struct session *next;
	char question[7400];
};

static struct session *sessions;

int main(int argc, char **argv)
{
	start_clock(argc, argv);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(8090),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64))
		err(1, "cannot listen");
	for (long count = 1;;) {
		int client = accept(listener, NULL, NULL);
		if (client < 0)
			continue;
		char question[4096];
		ssize_t length = read(client, question, sizeof question);
		if (length > 0) {
			struct session *session = malloc(sizeof *session);
			memset(session, 0, sizeof *session);
			memcpy(session->question, question, length);
			session->next = sessions;
			sessions = session;
			dprintf(client, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nrequest %ld\n", count++);
		}
		close(client);
	}
}
