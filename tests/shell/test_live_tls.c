/* Whom a session talks to: certificates, versions, plain text, redirects, proxies, refused handshakes. */
#include "adapters/shell/live_clock.h"
#include "adapters/shell/net_host.h"
#include "tests/shell/shell_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The DOWN of a connection that must not come up; its text is told. */
static const struct link_input *refused(struct rig *rig, const char *url, const char *word)
{
    rig->wire->open(rig->wire->context, 0, 5, url);
    const struct link_input *input = rig_expect(rig, 5, LINK_DOWN);
    cr_assert(rig_says(input, word), "%s: '%.*s' does not say '%s'", url, (int)input->text_size, input->text, word);
    return input;
}

Both(live_tls, a_certificate_must_be_of_a_known_authority_of_this_host_and_in_date)
{
    struct rig rig;
    rig_start(&rig);
    cr_assert_eq(refused(&rig, rig_wss(&rig, STRANGER, "/echo"), "ca_file")->status, 0);
    refused(&rig, rig_wss(&rig, WRONG, "/echo"), "not of this host");
    refused(&rig, rig_wss(&rig, EXPIRED, "/echo"), "out of date");
    rig_connect(&rig, 0, GOOD, "/echo");
    rig_expect(&rig, 0, LINK_UP);
    rig_end(&rig);
}

Both(live_tls, a_file_of_authorities_replaces_all_others)
{
    struct rig rig;
    char other[300];
    rig_begin(&rig);
    setenv("SSL_CERT_FILE", rig.ca, 1);
    snprintf(other, sizeof(other), "%s/stranger.pem", rig.folder);
    rig_open(&rig, &(struct live_io_options){.ca_file = other});
    refused(&rig, rig_wss(&rig, GOOD, "/echo"), "ca_file");
    rig.wire->get(rig.wire->context, 0, 1, rig_https(&rig, GOOD, "/hello"), 10 * NS_PER_S);
    rig_expect(&rig, 0, LINK_FAILED);
    rig_end(&rig);
}

Both(live_tls, the_environment_names_an_authority_too)
{
    struct rig rig;
    struct err_text why = {0};
    rig_begin(&rig);
    setenv("SSL_CERT_FILE", rig.ca, 1);
    cr_assert_eq(live_io_open(&rig.io, &(struct live_io_options){0}, &why), ERR_OK, "%s", why.text);
    rig.wire = live_io_wire(rig.io);
    rig_connect(&rig, 0, GOOD, "/echo");
    rig_expect(&rig, 0, LINK_UP);
    rig.wire->get(rig.wire->context, 0, 1, rig_https(&rig, GOOD, "/hello"), 10 * NS_PER_S);
    rig_expect(&rig, 0, LINK_ANSWER);
    rig_end(&rig);
}

Test(live_tls, a_file_of_authorities_that_is_not_there_is_told)
{
    struct live_io *io = NULL;
    struct err_text why = {0};
    const struct live_io_options options = {.ca_file = "/not/there.pem"};
    cr_assert_neq(live_io_open(&io, &options, &why), ERR_OK);
    cr_assert_null(io);
    cr_assert_not_null(strstr(why.text, "/not/there.pem"), "%s", why.text);
}

Both(live_tls, nothing_older_than_tls_1_2_is_spoken)
{
    struct rig rig;
    rig_start(&rig);
    refused(&rig, rig_wss(&rig, OLD, "/echo"), "TLS 1.2");
    rig.wire->get(rig.wire->context, 0, 1, rig_https(&rig, OLD, "/hello"), 10 * NS_PER_S);
    rig_expect(&rig, 0, LINK_FAILED);
    rig_end(&rig);
}

Both(live_tls, without_tls_only_this_machine_is_called)
{
    struct rig rig;
    char url[100];
    rig_start(&rig);
    static const char *const hosts[] = {"exchange.test", "127.0.0.1.exchange.test", "localhost.exchange.test",
                                        "127.exchange.test", "192.0.2.1"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        snprintf(url, sizeof(url), "ws://%s:%d/echo", hosts[i], rig.ports[PLAIN]);
        refused(&rig, url, "only this machine");
        snprintf(url, sizeof(url), "http://%s:%d/hello", hosts[i], rig.ports[PLAIN]);
        rig.wire->get(rig.wire->context, 0, 1, url, 10 * NS_PER_S);
        cr_assert(rig_says(rig_expect(&rig, 0, LINK_FAILED), "rotocol"), "%s", url);
    }
    snprintf(url, sizeof(url), "http://localhost@192.0.2.1:%d/hello", rig.ports[PLAIN]);
    rig.wire->get(rig.wire->context, 0, 1, url, 10 * NS_PER_S);
    cr_assert(rig_says(rig_expect(&rig, 0, LINK_FAILED), "rotocol"), "%s", url);
    refused(&rig, "http://127.0.0.1/echo", "only this machine");
    refused(&rig, "nothing of the kind", "not a");
    rig_connect(&rig, 0, PLAIN, "/echo");
    rig_expect(&rig, 0, LINK_UP);
    snprintf(url, sizeof(url), "http://localhost:%d/hello", rig.ports[PLAIN]);
    rig.wire->get(rig.wire->context, 0, 1, url, 10 * NS_PER_S);
    cr_assert_eq(rig_expect(&rig, 0, LINK_ANSWER)->status, 200);
    rig_end(&rig);
}

Test(live_tls, which_hosts_are_this_machine)
{
    static const char *const here[] = {"localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"};
    static const char *const away[] = {"",          "127", "127.0.0.1.example.com", "localhost.example.com",
                                       "128.0.0.1", "::2"};
    for (size_t i = 0; i < ARRAY_LEN(here); i++)
        cr_assert(net_host_is_here(here[i]), "%s", here[i]);
    for (size_t i = 0; i < ARRAY_LEN(away); i++)
        cr_assert_not(net_host_is_here(away[i]), "%s", away[i]);
    cr_assert(net_host_is_listed("a.test, .exchange.test", "api.Exchange.test"));
    cr_assert(net_host_is_listed("exchange.test", "exchange.test"));
    cr_assert(net_host_is_listed(" *", "anything"));
    cr_assert_not(net_host_is_listed("exchange.test", "myexchange.test"));
    cr_assert_not(net_host_is_listed("", "exchange.test"));
    cr_assert_not(net_host_is_listed(NULL, "exchange.test"));
    cr_assert_not(net_host_is_listed(" , ,.", "exchange.test"));
}

Both(live_tls, a_refused_handshake_tells_the_status_of_the_answer)
{
    struct rig rig;
    rig_start(&rig);
    cr_assert_eq(refused(&rig, rig_wss(&rig, GOOD, "/refuse?code=429"), "429")->status, 429);
    cr_assert_eq(refused(&rig, rig_wss(&rig, GOOD, "/refuse?code=503"), "503")->status, 503);
    cr_assert_eq(refused(&rig, rig_wss(&rig, PLAIN, "/refuse?code=418"), "418")->status, 418);
    cr_assert_eq(refused(&rig, rig_wss(&rig, CLOSED, "/echo"), "")->status, 0, "nobody listens");
    rig_end(&rig);
}

Both(live_tls, redirects_are_not_followed)
{
    struct rig rig;
    char path[100];
    rig_start(&rig);
    snprintf(path, sizeof(path), "/away?to=http://127.0.0.1:%d/echo", rig.ports[PLAIN]);
    cr_assert_eq(refused(&rig, rig_wss(&rig, GOOD, path), "302")->status, 302);
    snprintf(path, sizeof(path), "/away?to=http://127.0.0.1:%d/hello", rig.ports[PLAIN]);
    rig.wire->get(rig.wire->context, 0, 1, rig_https(&rig, GOOD, path), 10 * NS_PER_S);
    cr_assert_eq(rig_expect(&rig, 0, LINK_ANSWER)->status, 302);
    rig_end(&rig);
}

/* ---- proxies ---- */

static unsigned tunnels(struct rig *rig)
{
    rig->wire->get(rig->wire->context, 0, 99, rig_https(rig, PLAIN, "/tunnels"), 10 * NS_PER_S);
    const struct link_input *input = rig_expect(rig, 0, LINK_ANSWER);
    char text[20];
    snprintf(text, sizeof(text), "%.*s", (int)input->text_size, input->text);
    return (unsigned)strtoul(text, NULL, 10);
}

/* The name is known to nobody but the proxy, and the certificate is still that of the name. */
static void call_through(struct rig *rig)
{
    rig->wire->open(rig->wire->context, 0, 1, "wss://exchange.test/echo");
    rig_expect(rig, 1, LINK_UP);
    rig_send(rig, 1, "through");
    rig_expect_text(rig, 1, "through");
}

Both(live_tls, a_proxy_of_the_environment_tunnels_to_other_machines_only)
{
    struct rig rig;
    char proxy[60];
    rig_begin(&rig);
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", rig.ports[PROXY]);
    setenv("https_proxy", proxy, 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    rig_open(&rig, NULL);
    call_through(&rig);
    cr_assert_eq(tunnels(&rig), 1);
    rig.wire->get(rig.wire->context, 0, 1, "https://exchange.test/hello", 10 * NS_PER_S);
    cr_assert_eq(rig_expect(&rig, 0, LINK_ANSWER)->status, 200);
    cr_assert_eq(tunnels(&rig), 2);
    rig_connect(&rig, 2, GOOD, "/echo");
    rig_expect(&rig, 2, LINK_UP);
    rig.wire->get(rig.wire->context, 0, 1, rig_https(&rig, GOOD, "/hello"), 10 * NS_PER_S);
    rig_expect(&rig, 0, LINK_ANSWER);
    cr_assert_eq(tunnels(&rig), 2, "this machine is called directly");
    refused(&rig, "wss://other.test/echo", "not of this host");
    rig_end(&rig);
}

Both(live_tls, a_proxy_of_the_options_goes_before_and_no_proxy_makes_exceptions)
{
    struct rig rig;
    char proxy[60];
    rig_begin(&rig);
    snprintf(proxy, sizeof(proxy), "127.0.0.1:%d", rig.ports[PROXY]);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "elsewhere.test", 1);
    rig_open(&rig, &(struct live_io_options){.proxy = proxy});
    call_through(&rig);
    refused(&rig, "wss://elsewhere.test/echo", "");
    cr_assert_eq(tunnels(&rig), 1);
    rig_end(&rig);
}

Test(live_tls, a_proxy_that_is_none_is_told)
{
    struct live_io *io = NULL;
    struct err_text why = {0};
    cr_assert_eq(live_io_open(&io, &(struct live_io_options){.proxy = "no port"}, &why), ERR_IO);
    cr_assert_not_null(strstr(why.text, "no port"), "%s", why.text);
}
