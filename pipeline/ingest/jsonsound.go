package ingest

import "iter"

// Within a record that is proven, values are found by their brackets and quotes alone.

// soundEnd returns what follows the sound value at i.
func soundEnd(b []byte, i int) int {
	switch b[i] {
	case '"':
		return soundTextEnd(b, i+1)
	case '{', '[':
	default:
		for i < len(b) && !endsWord[b[i]] {
			i++
		}
		return i
	}
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = soundTextEnd(b, i+1)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
}

// soundTextEnd returns what follows the quote of the sound text that begins at i.
func soundTextEnd(b []byte, i int) int {
	end, _ := textEnd(b, i)
	return end
}

// soundElements are the values of the sound array at i, by their places.
func soundElements(b []byte, i int) iter.Seq[span] {
	return func(yield func(span) bool) {
		for i, c := behindSpace(b, i+1); c != ']'; {
			end := soundEnd(b, i)
			if !yield(span{int32(i), int32(end)}) {
				return
			}
			if i, c = behindSpace(b, end); c == ',' {
				i, c = behindSpace(b, i+1)
			}
		}
	}
}

// soundMembers are the names, in their quotes, and values of the sound object at i, by their places.
func soundMembers(b []byte, i int) iter.Seq2[span, span] {
	return func(yield func(name, value span) bool) {
		for i, c := behindSpace(b, i+1); c != '}'; {
			nameEnd := soundEnd(b, i)
			colon, _ := behindSpace(b, nameEnd)
			from, _ := behindSpace(b, colon+1)
			end := soundEnd(b, from)
			if !yield(span{int32(i), int32(nameEnd)}, span{int32(from), int32(end)}) {
				return
			}
			if i, c = behindSpace(b, end); c == ',' {
				i, c = behindSpace(b, i+1)
			}
		}
	}
}
