// Package gateway is a small server that behaves as the Payments API of the gateway family is published (Convergegate 1.0.76 and its sister
// version 1.0.341), for the tests of whoever calls one: payments of all three types, their execution without the page, captures, voids,
// recurring tokens, the list, error frames, signed webhooks, the published test cards, and faults on demand. Of what is not published it does
// nothing: a request that comes twice is carried out twice, unless Config.Keys says that it is to honour an Idempotency-Key as Sluice does.
//
// It keeps books of what was really moved, by referenceId, and of captures and voids, which have none, by the Idempotency-Key that came with
// them. It shares nothing with the connector, the dialect or the simulator. Fields that were not published are refused, so that a caller's
// slip is noticed.
//
// Read double.go for the server, payments.go and moves.go for what requests do, views.go for answers and events.
package gateway
