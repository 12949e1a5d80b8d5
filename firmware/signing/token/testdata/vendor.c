/* A PKCS #11 library that does what vendors' do on bad days. VENDOR in the
   environment says what; MARK names a file that is made at the first crash.
   It has one token, "bad day", whose PIN is 4711, with one EC key, id 01. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef unsigned long ul;
enum { OK = 0, FAILED = 6, UNSUPPORTED = 0x54, GENERAL = 5, PIN_INCORRECT = 0xA0, NOT_LOGGED_IN = 0x101, GONE = 0xE0, TYPE_INVALID = 0x12 };

static int logged, found;

static int is(const char *what) {
	const char *v = getenv("VENDOR");
	return v && !strcmp(v, what);
}

static ul no(void) { return UNSUPPORTED; }

static ul start(void *args) {
	printf("Vendor Middleware 1.0 (C) all rights reserved\n");
	fflush(stdout);
	return OK;
}

static ul slots(unsigned char present, ul *list, ul *n) {
	if (list) list[0] = 7;
	*n = is("gone") ? 0 : 1;
	return OK;
}

struct token {
	char label[32], maker[32], model[16], serial[16];
	ul flags, numbers[10];
	unsigned char versions[4];
	char time[16];
};

static ul token(ul slot, struct token *t) {
	memset(t, ' ', sizeof *t);
	memcpy(t->label, "bad day", 7);
	t->flags = 0x400 | 0x4; /* initialized, wants a login */
	if (is("lastpin")) t->flags |= 0x20000;
	return OK;
}

static ul session(ul slot, ul flags, void *app, void *notify, ul *h) { *h = 1; return OK; }
static ul fine(ul h) { return OK; }
static ul info(ul h, void *i) { return OK; }

/* seen says whether text stands in a file of /proc/self. */
static int seen(const char *file, const char *text, ul len) {
	static char b[1 << 16];
	int f = open(file, O_RDONLY);
	if (f < 0) return 0;
	long n = read(f, b, sizeof b);
	close(f);
	return n > 0 && memmem(b, n, text, len) != NULL;
}

static ul login(ul h, ul who, char *pin, ul len) {
	if (seen("/proc/self/cmdline", pin, len) || seen("/proc/self/environ", pin, len)) return GENERAL;
	if (len != 4 || memcmp(pin, "4711", 4)) return PIN_INCORRECT;
	if (is("network")) {
		/* To this machine it gets, to the network it does not. */
		int s = socket(AF_UNIX, SOCK_STREAM, 0);
		if (s < 0) return FAILED;
		close(s);
		if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EACCES) return FAILED;
		if (socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno != EACCES) return FAILED;
	}
	logged = 1;
	return OK;
}

static ul logout(ul h) { logged = 0; return OK; }

struct attr { ul type; void *value; ul len; };

static ul attributes(ul h, ul o, struct attr *a, ul n) { return TYPE_INVALID; }

static ul findinit(ul h, struct attr *a, ul n) {
	found = 0;
	if (!logged) { found = 1; return OK; }
	for (ul i = 0; i < n; i++) {
		if (a[i].type == 0 && *(ul *)a[i].value != 3) found = 1; /* private keys only */
		if (a[i].type == 0x102 && (a[i].len != 1 || *(char *)a[i].value != 1)) found = 1;
	}
	return OK;
}

static ul find(ul h, ul *o, ul max, ul *n) {
	*n = found ? 0 : 1;
	if (!found) o[0] = 9;
	found = 1;
	return OK;
}

static ul signinit(ul h, void *mechanism, ul key) { return OK; }

static ul sign(ul h, char *data, ul len, char *sig, ul *siglen) {
	if (is("hang")) for (;;) pause();
	if (is("once")) {
		int f = open(getenv("MARK"), O_CREAT | O_EXCL, 0600);
		if (f >= 0) *(volatile int *)0 = 0;
	}
	if (is("crash")) *(volatile int *)0 = 0;
	if (is("exit")) exit(0);
	if (is("pulled")) return GONE;
	*siglen = is("short") ? 5 : 64;
	if (sig) memset(sig, 1, *siglen);
	return OK;
}

static struct {
	unsigned char version[2];
	void *f[68];
} list = {{2, 40}};

static ul functions(void **l) { *l = &list; return OK; }

ul C_GetFunctionList(void **l) {
	for (int i = 0; i < 68; i++) list.f[i] = no;
	list.f[0] = start;
	list.f[1] = fine;
	list.f[3] = functions;
	list.f[4] = slots;
	list.f[6] = token;
	list.f[12] = session;
	list.f[13] = fine;
	list.f[15] = info;
	list.f[18] = login;
	list.f[19] = logout;
	list.f[24] = attributes;
	list.f[26] = findinit;
	list.f[27] = find;
	list.f[28] = fine;
	list.f[42] = signinit;
	list.f[43] = sign;
	return functions(l);
}
