// Package nextstep says what a customer has to do before a payment goes on: open an address, post a form, take a code to another
// app, confirm there, or nothing more. It is a provider's word for it, in ours; a payment keeps the last one as it is.
//
// It does not decide what the step means for a payment, and shows nothing: package payment and the pages do.
package nextstep
