package declared

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// node is a value of a file, and the line on which it stands.
type node struct {
	line    int
	kind    jsontext.Kind
	text    string // of a text, a number or a word
	list    []*node
	names   []string // of members, in their order
	members map[string]*node
}

// parse reads a file as one JSON value with distinct names.
func parse(raw []byte) (*node, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	line := func() int { return 1 + bytes.Count(raw[:min(int(d.InputOffset()), len(raw))], []byte("\n")) }
	n, err := value(d, line)
	if err == nil {
		if _, more := d.ReadToken(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", line(), err)
	}
	return n, nil
}

func value(d *jsontext.Decoder, line func() int) (*node, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	n := &node{line: line(), kind: t.Kind()}
	switch t.Kind() {
	case '{':
		n.members = make(map[string]*node)
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, fmt.Errorf("it is no JSON: %w", err)
			}
			key := name.String()
			if n.members[key], err = value(d, line); err != nil {
				return nil, err
			}
			n.names = append(n.names, key)
		}
		_, err = d.ReadToken()
	case '[':
		for d.PeekKind() != ']' {
			one, err := value(d, line)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, one)
		}
		_, err = d.ReadToken()
	default:
		n.text = t.String()
	}
	if err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	return n, nil
}

// reader collects what is wrong with a file, with the line of each.
type reader struct{ faults []error }

func (r *reader) faultf(n *node, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("line %d: "+format, append([]any{n.line}, args...)...))
}

// object hands the members over to whoever knows them; others are faults.
func (r *reader) object(n *node, what string, known map[string]func(*node)) {
	if n.kind != '{' {
		r.faultf(n, "%s is an object", what)
		return
	}
	for _, name := range n.names {
		if read := known[name]; read != nil {
			read(n.members[name])
		} else if name != "note" {
			r.faultf(n.members[name], "%s has nothing called %q", what, name)
		}
	}
}

// each hands over the members of an object whose names are free.
func (r *reader) each(n *node, what string, read func(name string, n *node)) {
	if n.kind != '{' {
		r.faultf(n, "%s is an object", what)
		return
	}
	for _, name := range n.names {
		read(name, n.members[name])
	}
}

func (r *reader) str(n *node, what string) string {
	if n.kind != '"' {
		r.faultf(n, "%s is a text", what)
		return ""
	}
	return n.text
}

func (r *reader) flag(n *node, what string) bool {
	if n.kind != 't' && n.kind != 'f' {
		r.faultf(n, "%s is true or false", what)
	}
	return n.kind == 't'
}

func (r *reader) number(n *node, what string, most int) int {
	i, err := strconv.Atoi(n.text)
	if n.kind != '0' || err != nil || i < 0 || i > most {
		r.faultf(n, "%s is a number from 0 to %d", what, most)
		return 0
	}
	return i
}

// strs reads a text, or a list of them.
func (r *reader) strs(n *node, what string) (all []string) {
	if n.kind != '[' {
		return []string{r.str(n, what)}
	}
	for _, one := range n.list {
		all = append(all, r.str(one, what))
	}
	return all
}
