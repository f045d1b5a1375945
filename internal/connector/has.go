package connector

// Limited is a connector that has methods for more than it can do: one that is made of a declaration.
type Limited interface {
	Connector
	// Has reports whether it can do what the capability of that name is for: see [As].
	Has(capability string) bool
}

// As is the connector as one that has the capability T, such as [Capturer], if it has. Whoever wants to know what a connector can do asks so:
// a method alone does not tell.
func As[T any](c Connector) (able T, ok bool) {
	able, ok = c.(T)
	if l, limited := c.(Limited); ok && limited && !l.Has(capability[T]()) {
		ok = false
	}
	return able, ok
}

// capability is the name of a capability, by which a Limited is asked.
func capability[T any]() string {
	switch any((*T)(nil)).(type) {
	case *Verifier:
		return "verify"
	case *Capturer:
		return "capture"
	case *Voider:
		return "void"
	case *Refunder:
		return "refund"
	case *Payer:
		return "payout"
	case *Fencer:
		return "fence"
	case *Prober:
		return "probe"
	case *Notifier:
		return "notice"
	}
	return ""
}
