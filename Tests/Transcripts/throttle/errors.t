# What is wrong with options, and what is not known.

== no limit at all
options --store {folder}/store
message
| x
exit 55

== a limit that cannot be understood is named
conventions shell
options --store {folder}/store --limit "client messages 30 defer"
message
| x
exit 55
errors
| throttle: --limit 'client messages 30 defer': '30' is not a rate such as 30/1m, 100M/1h or 30/1m/5

== a store that cannot be used is not known
options --store /dev/null/store --limit "all messages 1/1h reject"
sender a@example.org
recipient b@example.test
message
| x
exit 53

== unless not known shall pass
options --store /dev/null/store --store-lost accept --limit "all messages 1/1h reject"
sender a@example.org
recipient b@example.test
message
| x
verdict accept
