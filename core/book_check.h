/* book_check.h: is a book what it must be between two messages?
 *
 *   always   the best prices at hand are those of the levels, on their grid; crossed is flagged exactly when it is
 *   whole    besides: every quantity above zero, far levels in order and none of them inside the window, no level in
 *            a stretch that is marked empty, and with single orders their sums (book_l3.h) are what is displayed
 */
#ifndef TAPEDECK_CORE_BOOK_CHECK_H
#define TAPEDECK_CORE_BOOK_CHECK_H

#include "core/book.h"
#include "core/invariants.h"

/* False: `breach` says what is wrong. */
bool book_check(const struct book *book, bool whole, struct breach *breach);

#endif
