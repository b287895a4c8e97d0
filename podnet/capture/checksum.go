package capture

import "encoding/binary"

// withChecksum returns an IP packet with the checksum that TCP and UDP have on a
// wire. Memory loses no bits, so packets cross it without.
func withChecksum(b []byte) []byte {
	var proto byte
	var pseudo uint32
	var at int
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		at = int(b[0]&15) * 4
		if b[6]&0x3f != 0 || b[7] != 0 { // a fragment
			return b
		}
		proto, pseudo = b[9], sum(b[12:20])
	case len(b) >= 40 && b[0]>>4 == 6:
		at, proto, pseudo = 40, b[6], sum(b[8:40])
	default:
		return b
	}
	field := map[byte]int{6: 16, 17: 6}[proto]
	if field == 0 || len(b) < at+field+2 {
		return b
	}
	out := append([]byte(nil), b...)
	out[at+field], out[at+field+1] = 0, 0
	total := pseudo + uint32(proto) + uint32(len(b)-at)&0xffff + uint32(len(b)-at)>>16 + sum(out[at:])
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	check := ^uint16(total)
	if proto == 17 && check == 0 {
		check = 0xffff
	}
	binary.BigEndian.PutUint16(out[at+field:], check)
	return out
}

// sum adds up 16-bit words, already folded.
func sum(b []byte) uint32 {
	var total uint64
	for ; len(b) >= 2; b = b[2:] {
		total += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		total += uint64(b[0]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint32(total)
}
