-- Values as bytes, between a script's process and its parent. A value is a letter and what belongs to it: n, t, f (nil, true, false), i (an integer),
-- d (a float), s (a string), T (a table: the count of its pairs, then those). Capitals that are not T are the two sides' own: see process.lua and
-- confined.lua, which give `foreign`, functions for those.

-- Those of Lua's own: a sandbox that counts instructions has others in their places, which charge the script.
local concat, pack, unpack = table.concat, string.pack, string.unpack

local wire = { MOST_ASKED = 4 << 20, MOST_ANSWERED = 16 << 20 } -- bytes of a message

-- How deep tables may be nested.
local DEEPEST = 32

local encode

local function encode_table(parts, t, foreign, depth)
  if depth >= DEEPEST then
    error(("a table is nested deeper than %d levels, or holds itself"):format(DEEPEST), 0)
  end
  local at, count = #parts + 1, 0
  parts[at] = ""
  for key, value in next, t do
    encode(parts, key, foreign, depth + 1)
    encode(parts, value, foreign, depth + 1)
    count = count + 1
  end
  parts[at] = pack("<c1I4", "T", count)
end

function encode(parts, value, foreign, depth)
  local kind = math.type(value) or type(value)
  if kind == "nil" then
    parts[#parts + 1] = "n"
  elseif kind == "boolean" then
    parts[#parts + 1] = value and "t" or "f"
  elseif kind == "integer" then
    parts[#parts + 1] = pack("<c1i8", "i", value)
  elseif kind == "float" then
    parts[#parts + 1] = pack("<c1d", "d", value)
  elseif kind == "string" then
    parts[#parts + 1] = pack("<c1s4", "s", value)
  else
    local bytes, content = foreign(value)
    parts[#parts + 1] = bytes
    if content then
      encode_table(parts, content, foreign, depth)
    end
  end
end

-- The values as one text. foreign(value) says how one that is no scalar goes: its letter and all that belongs to it; or its letter, "" for a plain
-- table, and the table that follows. It raises if it cannot go.
function wire.encode(foreign, ...)
  local parts = {}
  for i = 1, select("#", ...) do
    encode(parts, (select(i, ...)), foreign, 0)
  end
  return concat(parts)
end

local decode

local function decode_table(text, at, foreign, depth)
  local count, key, value
  count, at = unpack("<I4", text, at)
  if depth >= DEEPEST or count > #text - at + 1 then
    error("a bad table", 0)
  end
  local t = {}
  for _ = 1, count do
    key, at = decode(text, at, foreign, depth + 1)
    value, at = decode(text, at, foreign, depth + 1)
    t[key] = value
  end
  return t, at
end

function decode(text, at, foreign, depth)
  local letter = text:sub(at, at)
  at = at + 1
  if letter == "n" then
    return nil, at
  elseif letter == "t" or letter == "f" then
    return letter == "t", at
  elseif letter == "i" then
    return unpack("<i8", text, at)
  elseif letter == "d" then
    return unpack("<d", text, at)
  elseif letter == "s" then
    return unpack("<s4", text, at)
  elseif letter == "T" then
    return decode_table(text, at, foreign, depth)
  elseif foreign[letter] then
    return foreign[letter](text, at, function(from)
      if text:sub(from, from) ~= "T" then
        error("no table", 0)
      end
      return decode_table(text, from + 1, foreign, depth)
    end)
  end
  error("an unknown value", 0)
end

-- The values of a text, packed; raises if it is none of those that encode makes. foreign: letter -> function(text, at, read_table), which gives
-- the value and where the next one begins; read_table(at) gives the same of a table.
function wire.decode(foreign, text)
  local values, at = { n = 0 }, 1
  while at <= #text do
    values.n = values.n + 1
    values[values.n], at = decode(text, at, foreign, 0)
  end
  return values
end

return wire
