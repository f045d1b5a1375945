package telemetry

import "time"

// Metrics is every metric of this process. A new one is declared in NewMetrics and counted in one place; labels take
// values from small fixed sets (states, classes, route patterns), never ids.
type Metrics struct {
	registry

	Payments      *Counter   // labels: type, state
	ProviderCalls *Histogram // labels: connector, class
	HTTPRequests  *Counter   // labels: route, status
	HTTPTime      *Histogram // labels: route
	StoreGroups   *Counter   // no labels
	StoreBodies   *Counter   // no labels
	StoreReruns   *Counter   // no labels
}

// NewMetrics declares the metrics. One set belongs to one process or, in tests, to one application.
func NewMetrics() *Metrics {
	m := new(Metrics)
	m.Payments = m.counter("sluice_payments_total",
		"Payments that entered a state, by payment type and state.", "type", "state")
	m.ProviderCalls = m.histogram("sluice_provider_call_seconds",
		"Duration of calls to payment providers, by connector and class of the answer. A growing share of UNKNOWN is the first sign of trouble at a provider.",
		[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "connector", "class")
	m.HTTPRequests = m.counter("sluice_http_requests_total",
		"Requests answered, by route pattern and status. Requests that matched no route have an empty route.", "route", "status")
	m.HTTPTime = m.histogram("sluice_http_request_seconds",
		"Time from a request's header to the end of its answer, by route pattern. Calls to providers are included.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "route")
	m.StoreGroups = m.counter("sluice_store_groups_total",
		"Database transactions that carried a group of writes.")
	m.StoreBodies = m.counter("sluice_store_bodies_total",
		"Writes committed in groups. Divided by the groups, this is the mean size of a group.")
	m.StoreReruns = m.counter("sluice_store_reruns_total",
		"Writes that ran again because another writer came first or the database asked for it.")
	return m
}

// ObserveHTTP counts one answered request; it fits the Observe hook of the web package.
func (m *Metrics) ObserveHTTP(route string, status int, took time.Duration) {
	m.HTTPRequests.Inc(route, statusLabel(status))
	m.HTTPTime.Observe(took, route)
}
