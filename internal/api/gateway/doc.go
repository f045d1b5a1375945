// Package gateway owns the gateway dialect: the endpoints, names, formats and error bodies of the Convergegate
// Payments API 1.0.76. It translates each request into one command of the engine, and the engine's results and errors
// into answers.
//
// It decides nothing about payments: a rule of money or of states that is found here is a mistake. Authentication and
// the strict reading of JSON are package api's. Read routes.go, which shows the endpoints as a table, then create.go
// for one endpoint from end to end, then errors.go for everything that is not a success.
package gateway
