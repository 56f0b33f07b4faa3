// Package jsonpath names places in JSON records.
//
// A path is written as people write them: `context.page.path`. A name that holds a dot, a bracket or a quote is put in
// quotes, also in brackets: `extensions["https://w3id.org/progress"]`. In an array `[0]` is the first element,
// `[key=page_location]` the first element whose member key is that text, and `[*]` the first element, or the first
// member of an object, that is not null.
package jsonpath

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says how a step finds the next value.
type Kind uint8

// The kinds of steps.
const (
	// Member is the member of an object called Name.
	Member Kind = iota
	// Index is the element of an array at position Index, from 0.
	Index
	// Filter is the first element of an array that is an object whose member Name is the text Value.
	Filter
	// Any is the first element of an array, or member of an object, that is not null.
	Any
)

// Step is one step from a value to one within it.
type Step struct {
	Kind        Kind
	Name, Value string
	Index       int
}

// Path is the steps from a record to a place in it.
type Path []Step

// Literal is the path of the top-level member called name, whatever signs it holds.
func Literal(name string) Path { return Path{{Kind: Member, Name: name}} }

// Parse reads a path. The error says what is wrong and where, as a clause.
func Parse(text string) (Path, error) {
	p := &parser{text: text}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("the path %q is no UTF-8", text)
	}
	var path Path
	for {
		step, err := p.step(len(path) == 0)
		if err != nil {
			return nil, err
		}
		path = append(path, step)
		if p.at == len(text) {
			return path, nil
		}
	}
}

// String writes the path so that Parse reads it back.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch s.Kind {
		case Member:
			switch {
			case !isBare(s.Name):
				b.WriteString("[" + quote(s.Name) + "]")
			case i > 0:
				b.WriteString("." + s.Name)
			default:
				b.WriteString(s.Name)
			}
		case Index:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case Filter:
			b.WriteString("[" + written(s.Name) + "=" + written(s.Value) + "]")
		case Any:
			b.WriteString("[*]")
		}
	}
	return b.String()
}

// Join writes path with one more member behind it.
func Join(path, member string) string {
	switch {
	case !isBare(member):
		return path + "[" + quote(member) + "]"
	case path == "":
		return member
	}
	return path + "." + member
}

// special are the signs that end a name without quotes.
const special = `.[]`

func isBare(name string) bool {
	return name != "" && !strings.ContainsAny(name, special) && name[0] != '"' && name == strings.TrimSpace(name)
}

func written(text string) string {
	if isBare(text) && !strings.ContainsRune(text, '=') && text != "*" {
		return text
	}
	return quote(text)
}

func quote(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return strconv.Quote(text) // cannot be: a text always has a JSON form
	}
	return strings.TrimSuffix(b.String(), "\n")
}

type parser struct {
	text string
	at   int
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("%s at position %d of the path %q", what, p.at+1, p.text)
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) step(first bool) (Step, error) {
	switch {
	case p.take('['):
		return p.brackets()
	case !first && !p.take('.'):
		return Step{}, p.fail("wants . or [")
	}
	name, err := p.name(special)
	return Step{Kind: Member, Name: name}, err
}

// brackets reads what stands behind an opening bracket.
func (p *parser) brackets() (Step, error) {
	isQuoted := p.at < len(p.text) && p.text[p.at] == '"'
	text, err := p.name("]=")
	if err != nil {
		return Step{}, err
	}
	step := Step{Kind: Member, Name: text}
	switch {
	case p.take('='):
		value, err := p.name("]")
		if err != nil {
			return Step{}, err
		}
		step.Kind, step.Value = Filter, value
	case isQuoted:
	case text == "*":
		step = Step{Kind: Any}
	default:
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || strconv.Itoa(n) != text {
			return Step{}, p.fail(`wants a number, *, key=value or a name in quotes between brackets`)
		}
		step = Step{Kind: Index, Index: n}
	}
	if !p.take(']') {
		return Step{}, p.fail("wants ]")
	}
	return step, nil
}

// name reads a text in quotes, or one that ends before any of the signs in until.
func (p *parser) name(until string) (string, error) {
	rest := p.text[p.at:]
	if strings.HasPrefix(rest, `"`) {
		d := json.NewDecoder(strings.NewReader(rest))
		var text string
		if err := d.Decode(&text); err != nil {
			return "", p.fail("has a quote that does not close")
		}
		p.at += int(d.InputOffset())
		return text, nil
	}
	n := strings.IndexAny(rest, until)
	if n < 0 {
		n = len(rest)
	}
	text := strings.TrimSpace(rest[:n])
	if text == "" {
		return "", p.fail("wants a name")
	}
	p.at += n
	return text, nil
}
