/* The mock server of `tapedeck bench --live`, in a process of its own. */
#include "bench/bench_live.h"

#include "cli/mock_market.h"
#include "sim/wire/shell/mock_crypto.h"
#include "sim/wire/shell/mock_server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS   (20 * NS_PER_MS)
#define START_MAX (20 * NS_PER_S)

struct bench_mock_shared {
    uint32_t port; /* atomic; 0: not yet */
    uint32_t over; /* atomic: the server is to end */
    struct bench_mock_result result;
    err_t err;
    struct err_text why;
};

/* CPU time of this process so far. */
static ns_t own_cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (ns_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static err_t serve(struct bench_mock_shared *shared, uint32_t rate, const struct mock_files *files,
                   struct err_text *why)
{
    struct synth_config synth;
    struct mock_market *market;
    struct mock_server *server;
    synth_config_default(&synth);
    synth.duration_ns = 0;
    err_t err = mock_market_load(&market, &synth, why);
    if (err != ERR_OK)
        return err;
    struct mock_config config = {.wire = {.venue = WIRE_BINANCE_USDM, .no_limits = true, .client_max = 16, .seed = 1},
                                 .address = "127.0.0.1",
                                 .cert = files->cert,
                                 .key = files->key,
                                 .out_max = 64u << 20,
                                 .pace = MOCK_RATE,
                                 .num = 1,
                                 .den = 1,
                                 .rate = rate,
                                 .wall_stamps = true};
    config.wire.instruments = mock_market_instruments(market, &config.wire.instrument_count);
    const struct mock_source source = mock_market_source(market);
    err = mock_server_open(&server, &config, &source, why);
    if (err == ERR_OK) {
        __atomic_store_n(&shared->port, (uint32_t)mock_server_port(server), __ATOMIC_RELEASE);
        while (err == ERR_OK && __atomic_load_n(&shared->over, __ATOMIC_ACQUIRE) == 0)
            err = mock_server_step(server, STEP_NS, why);
        struct mock_stats stats;
        mock_server_stats(server, &stats);
        shared->result.frames = stats.wire.frames;
        shared->result.late_max = stats.late_max;
        shared->result.cpu = own_cpu();
        mock_server_close(server);
    }
    mock_market_close(market);
    return err;
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
    (void)nanosleep(&pause, NULL);
}

err_t bench_mock_start(struct bench_mock *mock, uint32_t rate, const char *dir, struct err_text *why)
{
    struct mock_files files;
    err_t err = mock_crypto_files(dir, &files, why);
    if (err != ERR_OK)
        return err;
    *mock = (struct bench_mock){0};
    snprintf(mock->ca, sizeof(mock->ca), "%.599s", files.ca);
    struct bench_mock_shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return err_say(why, ERR_NOMEM, "out of memory");
    (void)fflush(NULL);
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
            _exit(1);
        shared->err = serve(shared, rate, &files, &shared->why);
        _exit(0);
    }
    mock->shared = shared;
    mock->pid = pid;
    for (ns_t waited = 0; pid > 0 && waited < START_MAX && mock->port == 0; waited += 5 * NS_PER_MS) {
        pause_a_little();
        mock->port = (int)__atomic_load_n(&shared->port, __ATOMIC_ACQUIRE);
        if (mock->port == 0 && waitpid(pid, NULL, WNOHANG) == pid) {
            mock->pid = 0;
            break;
        }
    }
    if (mock->port != 0)
        return ERR_OK;
    err = err_say(why, ERR_IO, "the mock server did not start: %s",
                  pid < 0                       ? strerror(errno)
                  : shared->why.text[0] != '\0' ? shared->why.text
                                                : "no word of it");
    struct bench_mock_result unused;
    bench_mock_stop(mock, &unused);
    return err;
}

void bench_mock_stop(struct bench_mock *mock, struct bench_mock_result *result)
{
    *result = (struct bench_mock_result){0};
    if (mock->shared == NULL)
        return;
    __atomic_store_n(&mock->shared->over, 1, __ATOMIC_RELEASE);
    if (mock->pid > 0 && waitpid(mock->pid, NULL, 0) == mock->pid)
        *result = mock->shared->result;
    (void)munmap(mock->shared, sizeof(*mock->shared));
    *mock = (struct bench_mock){0};
}
