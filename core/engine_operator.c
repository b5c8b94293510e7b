/* What an operator may say to a run, as inputs like any other, so that a re-execution hears them too:
 *
 *   pause     new orders and amendments are refused, cancels pass; open orders stay
 *   resume    the end of that
 *   cancel    every open order is cancelled
 *   kill      the kill switch (core/risk.h)
 *   clear     and back
 *   stop      the run ends here, as if its inputs had ended
 *
 * and "name=value", a parameter of the strategy. Each is a line of the run's log. The strategy hears of all of them
 * afterwards, through its `signal`. */
#include "core/engine_state.h"

#include <stdio.h>
#include <string.h>

static void say(struct engine *engine, enum log_level level, const char *before, const char *text, const char *after)
{
    char line[320];
    snprintf(line, sizeof(line), "%.60s%.119s%s%.130s", before, text, after[0] != '\0' ? ": " : "", after);
    engine_log(engine, level, line);
}

static void tell_strategy(struct engine *engine, const struct event *event)
{
    if (engine->strategy->signal != NULL)
        engine->strategy->signal(&engine->ctx, engine->strategy_state, event);
}

/* The strategy's own verb, for every instrument: what comes of it comes as executions. */
static void cancel_everything(struct engine *engine)
{
    for (uint16_t i = 0; i < engine->instrument_count; i++) {
        const err_t err = engine_verb_cancel_all(&engine->ctx, i);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            say(engine, LOG_WARN, "operator: orders could not be cancelled: ", engine->instruments[i].symbol,
                err_words(err));
    }
}

static void stop(struct engine *engine)
{
    const err_t err = engine->leader == NULL ? engine_check(engine) : ERR_OK;
    engine->failed = err != ERR_OK ? err : ERR_END;
    engine_wake_at(engine, INT64_MIN); /* the loop looks at `failed` before the next input */
}

static bool obey(struct engine *engine, const char *word)
{
    if (strcmp(word, "pause") == 0)
        risk_pause(engine->risk, true);
    else if (strcmp(word, "resume") == 0)
        risk_pause(engine->risk, false);
    else if (strcmp(word, "cancel") == 0)
        cancel_everything(engine);
    else if (strcmp(word, "kill") == 0)
        risk_kill(engine->risk);
    else if (strcmp(word, "clear") == 0)
        risk_clear(engine->risk);
    else if (strcmp(word, "stop") == 0)
        stop(engine);
    else
        return false;
    return true;
}

/* Bodies come from outside: they may lack their end. */
static const char *text_of(const struct event *event, char *text)
{
    const struct event_text *body = event->body;
    text[0] = '\0';
    if (body != NULL)
        snprintf(text, sizeof(body->text), "%.*s", (int)sizeof(body->text) - 1, body->text);
    return text;
}

void engine_on_operator(struct engine *engine, const struct event *event)
{
    char text[sizeof(((struct event_text *)0)->text)];
    if (obey(engine, text_of(event, text)))
        say(engine, LOG_INFO, "operator: ", text, "");
    else
        say(engine, LOG_WARN, "operator: ", text, "no command (pause, resume, cancel, kill, clear, stop)");
    tell_strategy(engine, event);
}

void engine_on_parameter(struct engine *engine, const struct event *event)
{
    char text[sizeof(((struct event_text *)0)->text)];
    struct err_text why = {0};
    text_of(event, text);
    if (engine->set_parameter != NULL &&
        engine->set_parameter(engine->strategy, engine->strategy_state, text, &why) != ERR_OK) {
        say(engine, LOG_WARN, "operator: ", text, why.text);
        return;
    }
    say(engine, LOG_INFO, engine->set_parameter != NULL ? "operator: set " : "operator: said ", text, "");
    tell_strategy(engine, event);
}
