package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	dialTimeout        = 5 * time.Second
	idleTimeout        = 30 * time.Second
	maxConnsPerHost    = 256
	maxIdlePerHost     = 128
	maxIdle            = 512
	maxAnswerHeader    = 64 << 10
	keepAliveInterval  = 15 * time.Second
	tlsHandshakeWithin = 5 * time.Second
)

// newDialer is where every connection of this package begins.
func newDialer(g Guard) *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAliveInterval, Control: g.control}
}

func newTLSConfig(o *Options) *tls.Config {
	loadRoots()
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Authorities}
	if o.Certificate != nil {
		config.Certificates = []tls.Certificate{*o.Certificate}
	}
	return config
}

// loadRoots has the system's certificates read now: they are read once, and a first handshake for which there is no
// descriptor left would leave the process without any.
var loadRoots = sync.OnceFunc(func() { _, _ = x509.SystemCertPool() }) // a handshake fails with the error

// newTransport builds the transport of Do. HTTP/2 stays off: one broken
// connection would make every call on it unknown at once, and its library repeats streams by rules of its own. The
// environment's proxy variables are ignored, because a proxy would be the one to resolve and reach the address.
func newTransport(o *Options, fresh bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            newDialer(o.Guard).DialContext,
		TLSClientConfig:        newTLSConfig(o),
		TLSHandshakeTimeout:    tlsHandshakeWithin,
		DisableKeepAlives:      fresh,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxConnsPerHost:        maxConnsPerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
		Protocols:              protocols,
	}
}
