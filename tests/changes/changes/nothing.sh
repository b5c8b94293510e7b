# exit: 0
# strict: 0
# says: identical
touch quotes.c # built anew, the same
