# exit: 24
# strict: 24
# says: is not there
rm baselines/quotes.json
