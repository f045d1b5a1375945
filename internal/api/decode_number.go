package api

// number reads a number and returns its literal.
func (p *parser) number() (string, error) {
	start := p.pos
	if p.text[p.pos] == '-' {
		p.pos++
	}
	leading := p.pos
	if !p.digits() {
		return "", p.fail(reasonSyntax)
	}
	if p.text[leading] == '0' && p.pos > leading+1 {
		return "", &SyntaxError{leading, reasonSyntax}
	}
	if p.at('.') {
		p.pos++
		if !p.digits() {
			return "", p.fail(reasonSyntax)
		}
	}
	if p.at('e') || p.at('E') {
		p.pos++
		if p.at('+') || p.at('-') {
			p.pos++
		}
		if !p.digits() {
			return "", p.fail(reasonSyntax)
		}
	}
	return p.text[start:p.pos], nil
}

func (p *parser) at(c byte) bool { return p.pos < len(p.text) && p.text[p.pos] == c }

// digits skips digits and reports whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}
