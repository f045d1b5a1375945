package payment

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Routed is one entry of what the log keeps of a payment's plan: the plan as it was made, or what followed when an attempt was
// refused. Terminals go by the names that they had then.
type Routed struct {
	Steps   []RoutedStep          `json:"s,omitempty"` // best first
	Out     map[Obstacle][]string `json:"o,omitempty"` // terminals that are left out
	NoRoute ErrorCode             `json:"c,omitempty"` // the refusal where there are no steps

	Refused int                   `json:"n,omitempty"` // the attempt that was refused; 0 of the plan itself
	Class   Class                 `json:"k,omitempty"` // how
	Code    ErrorCode             `json:"e,omitempty"`
	Passed  map[Obstacle][]string `json:"p,omitempty"` // steps that could not be taken
	Next    string                `json:"t,omitempty"` // the terminal of the step that followed
	End     PlanEnd               `json:"x,omitempty"` // or why none did
}

// RoutedStep is a step of a plan on record.
type RoutedStep struct {
	Terminal string  `json:"t"`
	Rule     string  `json:"r"`
	Why      string  `json:"w,omitempty"`
	After    []Class `json:"a,omitempty"`
	Until    int64   `json:"u,omitempty"` // in microseconds since 1970
}

// ReadRouted reads what an operation keeps of the plan, see Operation.Plan.
func ReadRouted(text string) ([]Routed, error) {
	var all []Routed
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		var p Routed
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			return nil, fmt.Errorf("record of a plan: %w", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// record is the plan as the log keeps it.
func (p *Plan) record() string {
	r := Routed{Steps: make([]RoutedStep, len(p.Steps)), Out: byObstacle(p.Out)}
	if len(p.Steps) == 0 {
		r.NoRoute = p.refusal()
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		r.Steps[i] = RoutedStep{Terminal: s.Terminal.Name, Rule: s.Rule, Why: s.Why, After: s.After}
		if !s.Until.IsZero() {
			r.Steps[i].Until = s.Until.UnixMicro()
		}
	}
	return asText(r)
}

// refusal is the code of a payment that no terminal can take.
func (p *Plan) refusal() ErrorCode {
	if p.NoRoute == "" {
		return CodeNoTerminal
	}
	return p.NoRoute
}

// byObstacle names each reason once.
func byObstacle(all []LeftOut) map[Obstacle][]string {
	if len(all) == 0 {
		return nil
	}
	by := make(map[Obstacle][]string)
	for _, l := range all {
		by[l.Why] = append(by[l.Why], l.Terminal)
	}
	return by
}
