/*
 * OpenPACE as a coprocessor: lines of commands on standard input, one line of
 * hex (or «ok», or «no») on standard output for each. It frames nothing itself,
 * so that the test that drives it decides what goes to a card.
 *
 *   init OID-NAME CURVE   set up PACE            secret can|mrz TEXT
 *   nonce                 the chip's, encrypted  denonce HEX
 *   map                   own mapping data       mapped HEX
 *   key                   own key                shared HEX
 *   token HEX             over the other's key   check HEX   the other's token
 *   secure                start secure messaging count
 *   encrypt HEX  decrypt HEX  mac HEX            padded
 */
#include <eac/eac.h>
#include <eac/pace.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static BUF_MEM *unhex(const char *s)
{
	BUF_MEM *b = BUF_MEM_new();
	size_t n = strlen(s) / 2, i;
	unsigned x;

	BUF_MEM_grow(b, n);
	for (i = 0; i < n; i++) {
		sscanf(s + 2 * i, "%2x", &x);
		b->data[i] = (char)x;
	}
	return b;
}

static void answer(const BUF_MEM *b)
{
	size_t i;

	if (!b) {
		puts("no");
		return;
	}
	for (i = 0; i < b->length; i++)
		printf("%02x", (unsigned char)b->data[i]);
	puts("");
}

static void ok(int yes) { puts(yes ? "ok" : "no"); }

int main(void)
{
	static char line[8192], word[32], rest[8000];
	EAC_CTX *ctx;
	PACE_SEC *sec = NULL;

	EAC_init();
	ctx = EAC_CTX_new();
	while (fgets(line, sizeof line, stdin)) {
		rest[0] = 0;
		if (sscanf(line, "%31s %7999[^\n]", word, rest) < 1)
			continue;
		if (!strcmp(word, "init")) {
			char oid[128];
			int curve;

			sscanf(rest, "%127s %d", oid, &curve);
			ok(EAC_CTX_init_pace(ctx, OBJ_txt2nid(oid), curve));
			ctx->tr_version = EAC_TR_VERSION_2_02;
		} else if (!strcmp(word, "secret")) {
			int mrz = !strncmp(rest, "mrz ", 4);

			sec = PACE_SEC_new(rest + 4, strlen(rest + 4), mrz ? PACE_MRZ : PACE_CAN);
			ok(sec != NULL);
		} else if (!strcmp(word, "nonce")) {
			answer(PACE_STEP1_enc_nonce(ctx, sec));
		} else if (!strcmp(word, "denonce")) {
			ok(PACE_STEP2_dec_nonce(ctx, sec, unhex(rest)) == 1);
		} else if (!strcmp(word, "map")) {
			answer(PACE_STEP3A_generate_mapping_data(ctx));
		} else if (!strcmp(word, "mapped")) {
			ok(PACE_STEP3A_map_generator(ctx, unhex(rest)) == 1);
		} else if (!strcmp(word, "key")) {
			answer(PACE_STEP3B_generate_ephemeral_key(ctx));
		} else if (!strcmp(word, "shared")) {
			ok(PACE_STEP3B_compute_shared_secret(ctx, unhex(rest)) == 1 && PACE_STEP3C_derive_keys(ctx) == 1);
		} else if (!strcmp(word, "token")) {
			answer(PACE_STEP3D_compute_authentication_token(ctx, unhex(rest)));
		} else if (!strcmp(word, "check")) {
			ok(PACE_STEP3D_verify_authentication_token(ctx, unhex(rest)) == 1);
		} else if (!strcmp(word, "secure")) {
			ok(EAC_CTX_set_encryption_ctx(ctx, EAC_ID_PACE));
		} else if (!strcmp(word, "count")) {
			ok(EAC_increment_ssc(ctx));
		} else if (!strcmp(word, "encrypt")) {
			answer(EAC_encrypt(ctx, unhex(rest)));
		} else if (!strcmp(word, "decrypt")) {
			answer(EAC_decrypt(ctx, unhex(rest)));
		} else if (!strcmp(word, "mac")) {
			answer(EAC_authenticate(ctx, unhex(rest)));
		} else {
			puts("no");
		}
		fflush(stdout);
	}
	return 0;
}
