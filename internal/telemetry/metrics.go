package telemetry

import "time"

// Metrics is every metric of this process. A new one is declared in NewMetrics and counted in one place; labels take
// values from small fixed sets (states, classes, route patterns), never ids.
type Metrics struct {
	registry

	Payments      *Counter   // labels: type, state
	Duplicates    *Counter   // labels: type
	ProviderCalls *Histogram // labels: connector, class
	HTTPRequests  *Counter   // labels: route, status
	HTTPTime      *Histogram // labels: route
	Connections   *Gauge     // labels: listener
	Refused       *Counter   // labels: listener, reason
	StoreGroups   *Counter   // no labels
	StoreBodies   *Counter   // no labels
	StoreReruns   *Counter   // no labels

	WorkLate    *Gauge   // labels: kind
	WorkRunning *Gauge   // labels: kind
	WorkWaiting *Gauge   // labels: kind
	WorkDone    *Counter // labels: kind, outcome
	WorkShards  *Gauge   // no labels
	WorkQueries *Counter // no labels
	Alarms      *Counter // labels: about
	CardsSlowed *Counter // labels: rule
	Screened    *Counter // labels: verdict

	HookPosts     *Histogram // labels: outcome
	HookEndpoints *Counter   // labels: state
	HookBacklog   *Gauge     // no labels
}

// NewMetrics declares the metrics. One set belongs to one process or, in tests, to one application.
func NewMetrics() *Metrics {
	m := new(Metrics)
	m.Payments = m.counter("sluice_payments_total",
		"Payments that entered a state, by payment type and state.", "type", "state")
	m.Duplicates = m.counter("sluice_possible_duplicates_total",
		"Payments made although they look like an earlier one, by payment type: the same reference where the shop wants to be warned, or a refund of the same deposit, amount and reference within a minute and without an idempotency key.", "type")
	m.ProviderCalls = m.histogram("sluice_provider_call_seconds",
		"Duration of calls to payment providers, by connector and class of the answer. A growing share of UNKNOWN is the first sign of trouble at a provider, UNSENT of trouble of our own.",
		[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "connector", "class")
	m.HTTPRequests = m.counter("sluice_http_requests_total",
		"Requests answered, by route pattern and status. Requests that matched no route have an empty route.", "route", "status")
	m.HTTPTime = m.histogram("sluice_http_request_seconds",
		"Time from a request's header to the end of its answer, by route pattern. Calls to providers are included.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "route")
	m.Connections = m.gauge("sluice_connections", "Connections open, by listener. Looked up when the page is read.", "listener")
	m.Refused = m.counter("sluice_connections_refused_total",
		"Connections that were refused (reason full: all places are in use; client: too many of one address) or ended to make room for others (quiet: sent no request for longest; slow: sent its body in drops; unread: did not take its answer), by listener.",
		"listener", "reason")
	m.StoreGroups = m.counter("sluice_store_groups_total",
		"Database transactions that carried a group of writes.")
	m.StoreBodies = m.counter("sluice_store_bodies_total",
		"Writes committed in groups. Divided by the groups, this is the mean size of a group.")
	m.StoreReruns = m.counter("sluice_store_reruns_total",
		"Writes that ran again because another writer came first or the database asked for it.")
	m.CardsSlowed = m.counter("sluice_cards_slowed_total",
		"Card payments that were answered 429 because strangers seem to try numbers of cards, by the rule that was first: card, card_address, address_declines, address_cards or bin.", "rule")
	m.Screened = m.counter("sluice_screened_total",
		"Verdicts on payments that were not let pass at once: stop, review, and of reviews that ended passed and refused.", "verdict")
	m.declareWork()
	return m
}

// declareWork declares what tells how the work goes that nobody waits for.
func (m *Metrics) declareWork() {
	m.WorkLate = m.gauge("sluice_work_late_seconds",
		"Since when the oldest due work has been due, by kind; 0 when none is. Of the whole database, looked up when the page is read and missing when that was not possible.", "kind")
	m.WorkRunning = m.gauge("sluice_work_running", "Pieces of due work that this process is working on, by kind.", "kind")
	m.WorkWaiting = m.gauge("sluice_work_waiting", "Pieces of due work that this process has read and not begun, by kind.", "kind")
	m.WorkDone = m.counter("sluice_work_total",
		"Pieces of due work that this process has ended, by kind and outcome: done, failed (and put off), or parked for a human after too many failures.", "kind", "outcome")
	m.WorkShards = m.gauge("sluice_work_shards", "Parts of the due work, of 64, that are this process's.")
	m.WorkQueries = m.counter("sluice_work_queries_total", "Questions to the database for due work, and renewals of leases.")
	m.Alarms = m.counter("sluice_alarms_total",
		"Times that a human was told to look, by what at: payment, notice, endpoint, event, terminal, work, shop or the installation. The log and sluice alarms name it.", "about")
	m.HookPosts = m.histogram("sluice_webhook_post_seconds",
		"Duration of posts to merchants' endpoints, by outcome: delivered, retried, or gave up.",
		[]float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15}, "outcome")
	m.HookEndpoints = m.counter("sluice_webhook_endpoint_changes_total",
		"Endpoints that came into a state: DOWN after failures in a row, UP again, DISABLED after the answer 410.", "state")
	m.HookBacklog = m.gauge("sluice_webhook_backlog",
		"Events that are not delivered yet and not given up, due now or later, in the whole database; at most 100000 are counted. Looked up when the page is read.")
}

// ObserveHTTP counts one answered request; it fits the Observe hook of the web package.
func (m *Metrics) ObserveHTTP(route string, status int, took time.Duration) {
	m.HTTPRequests.Inc(route, statusLabel(status))
	m.HTTPTime.Observe(took, route)
}
