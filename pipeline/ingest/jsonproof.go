package ingest

// maxProofDepth is how deep a value may be nested that is proven, which is as deep as jsontext goes.
const maxProofDepth = 10_000

// jsonProof proves values of JSON to be what RFC 8259 defines, without a name that occurs twice in an object. A proof
// takes one pass, and allocates nothing but what it grows to.
type jsonProof struct{ names jsonNames }

// value proves the value at i within depth arrays and objects, and returns what follows it.
func (p *jsonProof) value(b []byte, i, depth int) int {
	if i >= len(b) {
		return notJSON
	}
	switch b[i] {
	case '"':
		end, _ := proveText(b, i+1)
		return end
	case '{':
		return p.object(b, i+1, depth+1)
	case '[':
		return p.array(b, i+1, depth+1)
	case 'n':
		return proveWord(b, i, "null")
	case 't':
		return proveWord(b, i, "true")
	case 'f':
		return proveWord(b, i, "false")
	}
	return proveNumber(b, i)
}

// object proves the object whose bracket is before i.
func (p *jsonProof) object(b []byte, i, depth int) int {
	if depth > maxProofDepth {
		return notJSON
	}
	i, c := behindSpace(b, i)
	if c == '}' {
		return i + 1
	}
	object := p.names.open()
	for {
		if c != '"' {
			return notJSON
		}
		end, isEscaped := proveText(b, i+1)
		if end == notJSON || !p.names.add(object, b[i:end], isEscaped) {
			return notJSON
		}
		if i, c = behindSpace(b, end); c != ':' {
			return notJSON
		}
		i, _ = behindSpace(b, i+1)
		if end = p.value(b, i, depth); end == notJSON {
			return notJSON
		}
		if i, c = behindSpace(b, end); c == '}' {
			p.names.close(object)
			return i + 1
		}
		if c != ',' {
			return notJSON
		}
		i, c = behindSpace(b, i+1)
	}
}

// array proves the array whose bracket is before i.
func (p *jsonProof) array(b []byte, i, depth int) int {
	if depth > maxProofDepth {
		return notJSON
	}
	i, c := behindSpace(b, i)
	if c == ']' {
		return i + 1
	}
	for {
		end := p.value(b, i, depth)
		if end == notJSON {
			return notJSON
		}
		if i, c = behindSpace(b, end); c == ']' {
			return i + 1
		}
		if c != ',' {
			return notJSON
		}
		i, _ = behindSpace(b, i+1)
	}
}
