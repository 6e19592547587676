/*
 * The comparison's client in C: libfido2. Does a step for each line on standard input, and answers each with what it took:
 * nanoseconds by the clock, nanoseconds of processor.
 */
#include <errno.h>
#include <fcntl.h>
#include <fido.h>
#include <fido/credman.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char pin[] = "k7mw4xrt";
static const char rp_id[] = "example.org";

static const char *node;
static fido_dev_t *dev;
static fido_cbor_info_t *info;
static unsigned char client_data_hash[32];
static unsigned char credential_id[256];
static size_t credential_id_len;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "libfido2: %s: %s\n", what, why);
    exit(1);
}

static void ok(const char *what, int error)
{
    if (error != FIDO_OK)
        die(what, fido_strerr(error));
}

static void *made(const char *what, void *pointer)
{
    if (pointer == NULL)
        die(what, "no memory");
    return pointer;
}

static void find_key(void)
{
    enum { MOST = 64 };
    fido_dev_info_t *list = made("fido_dev_info_new", fido_dev_info_new(MOST));
    size_t found = 0;
    bool seen = false;
    ok("fido_dev_info_manifest", fido_dev_info_manifest(list, MOST, &found));
    for (size_t i = 0; i < found; i++)
        seen |= strcmp(fido_dev_info_path(fido_dev_info_ptr(list, i)), node) == 0;
    fido_dev_info_free(&list, MOST);
    if (!seen)
        die("fido_dev_info_manifest", "the key is not there");
}

/* fido_dev_open asks for getInfo too, and keeps the answer to itself. */
static void open_key(void)
{
    dev = made("fido_dev_new", fido_dev_new());
    ok("fido_dev_open", fido_dev_open(dev, node));
    info = made("fido_cbor_info_new", fido_cbor_info_new());
    ok("fido_dev_get_cbor_info", fido_dev_get_cbor_info(dev, info));
}

static void set_pin(void)
{
    ok("fido_dev_set_pin", fido_dev_set_pin(dev, pin, NULL));
}

static void make_credential(void)
{
    unsigned char user_id[32];
    memset(user_id, 7, sizeof(user_id));
    fido_cred_t *cred = made("fido_cred_new", fido_cred_new());
    ok("type", fido_cred_set_type(cred, COSE_ES256));
    ok("clientDataHash", fido_cred_set_clientdata_hash(cred, client_data_hash, sizeof(client_data_hash)));
    ok("rp", fido_cred_set_rp(cred, rp_id, "Example"));
    ok("user", fido_cred_set_user(cred, user_id, sizeof(user_id), "ada@example.org", "Ada Lovelace", NULL));
    ok("rk", fido_cred_set_rk(cred, FIDO_OPT_TRUE));
    ok("fido_dev_make_cred", fido_dev_make_cred(dev, cred, pin));
    credential_id_len = fido_cred_id_len(cred);
    if (credential_id_len == 0 || credential_id_len > sizeof(credential_id))
        die("fido_dev_make_cred", "a credential id of such a length");
    memcpy(credential_id, fido_cred_id_ptr(cred), credential_id_len);
    fido_cred_free(&cred);
}

static void get_assertion(void)
{
    fido_assert_t *assertion = made("fido_assert_new", fido_assert_new());
    ok("clientDataHash",
        fido_assert_set_clientdata_hash(assertion, client_data_hash, sizeof(client_data_hash)));
    ok("rp", fido_assert_set_rp(assertion, rp_id));
    ok("allowList", fido_assert_allow_cred(assertion, credential_id, credential_id_len));
    ok("fido_dev_get_assert", fido_dev_get_assert(dev, assertion, pin));
    if (fido_assert_count(assertion) != 1 || fido_assert_sig_len(assertion, 0) == 0)
        die("fido_dev_get_assert", "no signature");
    fido_assert_free(&assertion);
}

static void list_credentials(void)
{
    size_t credentials = 0;
    fido_credman_rp_t *rps = made("fido_credman_rp_new", fido_credman_rp_new());
    ok("fido_credman_get_dev_rp", fido_credman_get_dev_rp(dev, rps, pin));
    for (size_t i = 0; i < fido_credman_rp_count(rps); i++) {
        fido_credman_rk_t *rk = made("fido_credman_rk_new", fido_credman_rk_new());
        ok("fido_credman_get_dev_rk", fido_credman_get_dev_rk(dev, fido_credman_rp_id(rps, i), rk, pin));
        credentials += fido_credman_rk_count(rk);
        fido_credman_rk_free(&rk);
    }
    fido_credman_rp_free(&rps);
    if (credentials != 1)
        die("fido_credman_get_dev_rk", "another number of credentials than was made");
}

static uint64_t wall(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        die("clock_gettime", strerror(errno));
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What the kernel has counted of this process, which has one thread. Yielding has it count up to now. */
static uint64_t processor(void)
{
    char text[128];
    sched_yield();
    int file = open("/proc/self/schedstat", O_RDONLY);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    if (length <= 0)
        die("/proc/self/schedstat", strerror(errno));
    close(file);
    text[length] = '\0';
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*take)(void);
    } steps[] = {
        { "find", find_key },
        { "open", open_key },
        { "set-pin", set_pin },
        { "make-credential", make_credential },
        { "get-assertion", get_assertion },
        { "list-credentials", list_credentials },
    };
    char line[64];

    if (argc != 2)
        die("usage", "libfido2 NODE");
    node = argv[1];
    memset(client_data_hash, 7, sizeof(client_data_hash));
    fido_init(0);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        void (*take)(void) = NULL;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
            if (strcmp(line, steps[i].name) == 0)
                take = steps[i].take;
        if (take == NULL)
            die(line, "no such step");
        uint64_t processor_before = processor(), before = wall();
        take();
        uint64_t after = wall();
        printf("took %llu %llu\n", (unsigned long long)(after - before),
            (unsigned long long)(processor() - processor_before));
        fflush(stdout);
    }
    return 0;
}
