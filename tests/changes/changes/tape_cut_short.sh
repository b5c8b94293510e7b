# exit: 25
# strict: 25
# says: market.tape
truncate -s -40000 market.tape
