package main

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/web"
)

const (
	// mostConnections is how many connections are open at a time where the process may have more: each takes some 20 KB.
	mostConnections = 8192
	// leastReserve is how many descriptors stay for the database, files, providers and webhooks whatever is asked for.
	leastReserve = 64
	// someConnections is how many there are where the system does not say how many descriptors it gives.
	someConnections = 1024
	// mostEndpointsAtOnce is how many webhook endpoints are worked on at a time. It is large because an endpoint that hangs keeps
	// its place for 15 s.
	mostEndpointsAtOnce = 1024
	// metricsConnections is how many readers of the metrics page there may be at a time.
	metricsConnections = 32
)

// limits is how the descriptors of this process are shared out.
type limits struct {
	descriptors int // that the process may have; 0 where the system does not say
	connections int // of callers, all together
	perClient   int // and of one address
	endpoints   int // of webhooks that are worked on at a time
}

// shareOut gives one half of the descriptors to callers and leaves the other to the database, files, providers and, a half
// of it, webhooks; unless the settings say otherwise. It refuses settings for which there are not enough.
func shareOut(descriptors int, c *config.Config) (limits, error) {
	l := limits{descriptors: descriptors, connections: c.MaxConnections, perClient: c.MaxConnectionsPerAddress}
	if l.connections == 0 {
		l.connections = max(min(mostConnections, descriptors/2), 1)
		if descriptors == 0 {
			l.connections = someConnections
		}
	} else if descriptors > 0 && l.connections > descriptors-leastReserve {
		return limits{}, fmt.Errorf("max-connections: %d connections do not fit into the %d file descriptors that this process may have, of which "+
			"%d are for the database, files and providers: raise that limit (ulimit -n, LimitNOFILE=) or lower the setting", l.connections, descriptors, leastReserve)
	}
	if l.perClient == 0 {
		l.perClient = max(l.connections/4, min(l.connections, 16))
	}
	l.endpoints = mostEndpointsAtOnce
	if descriptors > 0 {
		l.endpoints = min(mostEndpointsAtOnce, max((descriptors-l.connections)/2, 16))
	}
	return l, nil
}

// caps bound the connections of callers.
func (a *node) caps(name string, most, perClient int) web.Caps {
	return web.Caps{
		Most: most, PerClient: perClient, Trusted: a.config.TrustedProxies,
		Refused: func(reason string) { a.Metrics.Refused.Inc(name, reason) },
	}
}
