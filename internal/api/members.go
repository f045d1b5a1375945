package api

import "strconv"

// Members writes the members of a JSON object one after another. What is left out and what is null is the dialect's business,
// and so are the braces around the outermost object.
type Members struct {
	Dst   []byte
	begun bool
}

// Name begins a member. It needs no escaping: names are constants.
func (m *Members) Name(name string) {
	m.next()
	m.Dst = append(append(append(m.Dst, '"'), name...), '"', ':')
}

// Named writes a text under a name that may need escaping.
func (m *Members) Named(name, value string) {
	m.next()
	m.Dst = AppendString(append(AppendString(m.Dst, name), ':'), value)
}

func (m *Members) next() {
	if m.begun {
		m.Dst = append(m.Dst, ',')
	}
	m.begun = true
}

// Begun reports that there is a member.
func (m *Members) Begun() bool { return m.begun }

// String writes a text, also an empty one.
func (m *Members) String(name, value string) {
	m.Name(name)
	m.Dst = AppendString(m.Dst, value)
}

// Integer writes a whole number.
func (m *Members) Integer(name string, n int) {
	m.Name(name)
	m.Dst = strconv.AppendInt(m.Dst, int64(n), 10)
}

// Truth writes true or false.
func (m *Members) Truth(name string, value bool) {
	m.Name(name)
	m.Dst = strconv.AppendBool(m.Dst, value)
}

// Raw writes JSON as it is.
func (m *Members) Raw(name, json string) {
	m.Name(name)
	m.Dst = append(m.Dst, json...)
}

// Inside writes an object, with its braces, whose members write writes.
func (m *Members) Inside(write func()) {
	begun := m.begun
	m.Dst, m.begun = append(m.Dst, '{'), false
	write()
	m.Dst, m.begun = append(m.Dst, '}'), begun
}
