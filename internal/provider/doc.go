// Package provider holds what connectors to real providers have alike, so that each says only what is its provider's own: amounts as
// whole numbers by a provider's own table, declines as data, requests as forms, and answers that are read whole, strictly and as
// being about the payment that was asked for.
//
// It knows no provider, decides nothing about payments and makes no call but those that a connector asks for, by the connector's own
// client. What an answer means is the connector's: here is only what an answer must be before it may mean anything.
//
// Read api.go for a call and what may be concluded from its status, objects.go for bodies, units.go for amounts, declines.go for
// tables of codes, encode.go for forms and objects, grant.go for access tokens, shortkey.go for short
// keys, settings.go for what operators write.
package provider
