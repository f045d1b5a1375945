package payment

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Plan says at which terminals a payment is tried, in which order, and why: what package route has made of it. It is decided
// once, with the intent. The operation that the intent opens keeps it whole, for people; the attempt keeps what decisions still
// need, see Rest.
type Plan struct {
	Steps   []Step // best first; none where no terminal can take the payment
	Out     []LeftOut
	NoRoute ErrorCode // the refusal where there are no steps; 1.05 when not given
}

// Step is one terminal of a plan. Its place is its rank.
type Step struct {
	Terminal Terminal
	Rule     string    // by which it stands there
	Why      string    // what the rule says of it, in a few words; empty for nothing
	After    []Class   // refusals of an earlier step that it follows; the first one follows nothing
	Until    time.Time // it is not begun later; zero for no limit but the payment's own
}

// LeftOut is a terminal that a plan, or a step of it, is not tried at.
type LeftOut struct {
	Terminal string // its name
	Why      Obstacle
}

// Obstacle is why a terminal is not tried. The words are on record and never change.
type Obstacle string

// The obstacles. The last two are found when a step's turn has come; so may be most of the others by then.
const (
	BecauseDisabled  Obstacle = "disabled"
	BecauseRemoved   Obstacle = "removed"
	BecauseType      Obstacle = "type"
	BecauseMethod    Obstacle = "method"
	BecauseCurrency  Obstacle = "currency"
	BecausePreAuth   Obstacle = "preAuth"
	BecauseRecurring Obstacle = "recurring"
	BecauseVerify    Obstacle = "verify"
	BecauseStopped   Obstacle = "stopped"
	BecauseDown      Obstacle = "down"
	BecauseBehind    Obstacle = "behind"
	BecauseSettings  Obstacle = "settings"
	BecauseMeans     Obstacle = "means"
)

// obstacles is what each of them means to people.
var obstacles = map[Obstacle]string{
	BecauseDisabled: "it is switched off", BecauseRemoved: "it was removed", BecauseType: "it does not take payments of this type",
	BecauseMethod: "it does not take the method", BecauseCurrency: "it does not take the currency", BecausePreAuth: "it cannot hold money",
	BecauseRecurring: "it cannot charge again", BecauseVerify: "it cannot verify a card", BecauseStopped: "it holds a chain that was stopped",
	BecauseDown: "it is out of order", BecauseBehind: "the rule goes no further", BecauseSettings: "its settings cannot be used",
	BecauseMeans: "what the customer paid with is not at hand any more",
}

// Text is the obstacle for people.
func (o Obstacle) Text() string {
	if text := obstacles[o]; text != "" {
		return text
	}
	return string(o)
}

// PlanEnd is why no step of a plan follows a refusal though some were left. The words are on record and never change.
type PlanEnd string

// The ends.
const (
	OverClass      PlanEnd = "class"
	OverSteps      PlanEnd = "steps"
	OverGone       PlanEnd = "gone"
	OverTime       PlanEnd = "time"
	OverGivenUp    PlanEnd = "givenUp"
	OverDoubt      PlanEnd = "doubt"
	OverLost       PlanEnd = "lost"
	OverUnreadable PlanEnd = "unreadable"
)

// planEnds is what each of them means to people.
var planEnds = map[PlanEnd]string{
	OverClass: "after such an outcome nothing else is tried", OverSteps: "no step follows such a refusal",
	OverGone: "no step that follows could be taken", OverTime: "the time for it was over",
	OverGivenUp: "nobody wanted the payment any more", OverDoubt: "an earlier try was in doubt",
	OverLost:       "after a restore it was not known whether the next step had been taken",
	OverUnreadable: "the steps that were left could not be read",
}

// Text is the end for people.
func (e PlanEnd) Text() string {
	if text := planEnds[e]; text != "" {
		return text
	}
	return string(e)
}

// Another reports that the class proves that nothing was done and nothing will be, and does not forbid another terminal.
func (c Class) Another() bool {
	return c == ClassNotSent || c == ClassRejected || c == ClassDeclinedSoft
}

// Rest is the steps of a plan after the one that an attempt is, as the attempt's row keeps them; empty for none, so that
// nothing is tried after it.
type Rest string

// restStep is a step in Rest: what decisions need of it.
type restStep struct {
	ID    string  `json:"i"`
	Name  string  `json:"t"`
	After []Class `json:"a,omitempty"`
	Until int64   `json:"u,omitempty"` // in microseconds
}

// restOf is how steps are kept.
func restOf(steps []Step) Rest {
	if len(steps) == 0 {
		return ""
	}
	kept := make([]restStep, len(steps))
	for i := range steps {
		s := &steps[i]
		kept[i] = restStep{ID: s.Terminal.ID, Name: s.Terminal.Name, After: s.After}
		if !s.Until.IsZero() {
			kept[i].Until = s.Until.UnixMicro()
		}
	}
	return Rest(asText(kept))
}

// asText is JSON of values that always can be written so.
func asText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// Steps reads them, without what is only for people.
func (r Rest) Steps() ([]Step, error) {
	if r == "" {
		return nil, nil
	}
	var kept []restStep
	if err := json.Unmarshal([]byte(r), &kept); err != nil {
		return nil, fmt.Errorf("rest of a plan: %w", err)
	}
	steps := make([]Step, len(kept))
	for i, k := range kept {
		steps[i] = Step{Terminal: Terminal{ID: k.ID, Name: k.Name}, After: k.After}
		if k.Until != 0 {
			steps[i].Until = time.UnixMicro(k.Until).UTC()
		}
	}
	return steps, nil
}

// Ready is what is known of a call that a plan may go on with, read before the decision.
type Ready struct {
	Terminal string   // its id
	Why      Obstacle // why it cannot be called; empty where it can
	Run      Run
}

// Onward is what a decision needs to go on with a plan. Without it the plan ends.
type Onward struct {
	Ready []Ready // one for each terminal that is left in the plan
	Asks  bool    // the provider can be asked about the attempt
}

// ready says what is known of the terminal.
func (o *Onward) ready(terminal string) Ready {
	for i := range o.Ready {
		if o.Ready[i].Terminal == terminal {
			return o.Ready[i]
		}
	}
	return Ready{Terminal: terminal, Why: BecauseMeans}
}

// Turn is what follows a refusal by the plan: the step that is taken, or the reason why none is.
type Turn struct {
	Step   Step
	Run    Run
	Rest   Rest      // after that step
	Passed []LeftOut // steps that follow such a refusal and could not be taken
	End    PlanEnd   // empty where there is a step
}

// Next tells what follows a refusal of that class at now. No list of steps is endless, so how many there were does not matter.
func (r Rest) Next(class Class, now time.Time, o Onward) Turn {
	steps, err := r.Steps()
	switch {
	case err != nil:
		return Turn{End: OverUnreadable}
	case !class.Another():
		return Turn{End: OverClass}
	}
	t := Turn{End: OverSteps}
	for i := range steps {
		s := &steps[i]
		if !slices.Contains(s.After, class) {
			continue
		}
		if !s.Until.IsZero() && !now.Before(s.Until) {
			t.End = OverTime
			continue
		}
		known := o.ready(s.Terminal.ID)
		if known.Why == "" {
			t.Step, t.Run, t.Rest, t.End = *s, known.Run, restOf(steps[i+1:]), ""
			return t
		}
		t.Passed, t.End = append(t.Passed, LeftOut{s.Terminal.Name, known.Why}), OverGone
	}
	return t
}
