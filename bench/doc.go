// Command bench measures Sluice against what it could be at best on the same machine: the same rows written by bare SQL,
// the same query through a plain driver, and a peer that stores nothing. It builds the real binary, starts it on SQLite
// and on PostgreSQL, and takes all measurements in turns within one run, so that a slow minute of the machine strikes both
// sides of a ratio alike. It owns no part of the product and tests nothing: what it prints are ratios, and no test
// depends on one.
//
//	go run ./bench                     everything, some eight minutes; PostgreSQL where SLUICE_TEST_POSTGRES is set
//	go run ./bench -quick              a smoke test of seconds, whose figures mean nothing
//	go run ./bench -only create,list   some parts
//	go run ./bench -profile            how to find out where the time goes
//
// Of webhooks it measures how fast a backlog of real payments reaches a receiver that opens after it was shut, until the
// database has recorded all, next to a plain client that posts the same bodies; and of a server that is left alone its
// processor time and, where the database counts them, its queries. Of lists it compares the first page with what the driver needs
// for the same columns in the same process, deep offsets and windows of changes with the first page, and paging through all with
// one scan; "make bench-lists" does that among ten million payments.
//
// Of the vault it measures sealing and opening a card next to AES-GCM alone, and of tokens of wallets verifying and opening one next to
// the bare checks of signatures and exchanges of keys that it takes, in the same process.
//
// Of the payment page it measures how often a second it is opened next to a handler of the standard library that answers with the same
// bytes, and compares what a browser loads for the first view, compressed, with the limit of 60 kB.
//
// Read plan.go first: it lists what is measured next to what. load.go holds the two kinds of load, deliver.go, idle.go and page.go
// those parts, report.go the table.
package main
