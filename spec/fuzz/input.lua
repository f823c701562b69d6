-- The bytes of one input, taken one after the other: each chooses something, or is part of a value. After the last one there are zeros.

local input = {}

local bytes, at = "", 0

-- From here on, the bytes of this string, or the first `most` of them.
function input.begin(text, most)
  bytes, at = text:sub(1, most), 0
end

function input.is_over()
  return at >= #bytes
end

function input.byte()
  at = at + 1
  return bytes:byte(at) or 0
end

function input.pick(list)
  return list[input.byte() % #list + 1]
end

-- Up to so many bytes as they are.
function input.some_bytes(most)
  local length = input.byte() % (most or 16)
  at = at + length
  return bytes:sub(at - length + 1, at)
end

-- Raises what the harness reports as a finding.
function input.finding(fmt, ...)
  error(fmt:format(...), 0)
end

return input
