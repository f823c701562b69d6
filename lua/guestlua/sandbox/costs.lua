-- What the C functions of Lua's libraries cost a script with counted instructions: a row for each that a script can reach.
--
-- What they do is paid for by the time that it took, as is what this library's own functions do (src/loop/sandbox.c). A row that is a function is
-- charged before the call, as that call could take any time: it gets the arguments, and returns instructions. A text says why no call of it can.

local math, rawlen, select, type = math, rawlen, select, type
local floor, tointeger = math.floor, math.tointeger

-- Bytes that cost as much as an instruction, and instructions for one argument of string.format.
local BYTES, FORMATTED = 64, 64

local CONSTANT = "takes the same time whatever it is given"
local GIVEN = "takes as long as what it is given is long, which took longer to make"
local COUNTED = "calls functions, and their instructions are counted"
local PATTERN = "a bad pattern can take any time: it is the one thing that only a process of its own ends"

local costs = {}

for reason, names in pairs({
  [CONSTANT] = [[assert error getmetatable ipairs rawequal rawget rawlen rawset select setmetatable type coroutine.create coroutine.isyieldable
    coroutine.running coroutine.status coroutine.wrap coroutine.yield math.abs math.acos math.asin math.atan math.atan2 math.ceil math.cos math.cosh
    math.deg math.exp math.floor math.fmod math.frexp math.ldexp math.log math.log10 math.modf math.pow math.rad math.random math.randomseed math.sin
    math.sinh math.sqrt math.tan math.tanh math.tointeger math.type math.ult os.clock os.difftime os.time string.len]],
  [GIVEN] = [[collectgarbage load math.max math.min next pairs print tostring os.date string.byte string.char string.packsize string.sub string.unpack
    table.pack utf8.char utf8.codepoint utf8.codes string.__add string.__div string.__idiv string.__mod string.__mul string.__pow string.__sub
    string.__unm]],
  [COUNTED] = "coroutine.close coroutine.resume pcall xpcall",
  [PATTERN] = "string.find string.gmatch string.gsub string.match",
}) do
  for name in names:gmatch("%S+") do
    costs[name] = reason
  end
end

-- A length, times how often it is copied; what is no number is refused by the function itself.
local function copied(bytes, times)
  times = tointeger(tonumber(times)) or 0
  if times <= 0 or bytes == 0 then
    return 0
  end
  return times < math.maxinteger // bytes and bytes * times // BYTES or math.maxinteger
end

local function length(text)
  return type(text) == "string" and #text or type(text) == "number" and 32 or 0
end

costs["string.rep"] = function(text, times, separator)
  return copied(length(text) + length(separator), times)
end

costs["string.format"] = function(_, ...)
  return select("#", ...) * FORMATTED
end

-- Those that read the whole text.
for name in ("tonumber string.lower string.reverse string.upper utf8.len utf8.offset"):gmatch("%S+") do
  costs[name] = function(text)
    return length(text) // BYTES
  end
end

costs["string.pack"] = function(format)
  local bytes = length(format)
  for size in (type(format) == "string" and format or ""):gmatch("c(%d+)") do
    bytes = bytes + tonumber(size)
  end
  return copied(1, math.ceil(bytes))
end

-- The table's own length: a metamethod could say anything.
local function of(t)
  return type(t) == "table" and rawlen(t) or 0
end

costs["table.concat"] = function(t, separator)
  return of(t) + copied(length(separator), of(t))
end

costs["table.insert"] = function(t, ...)
  return select("#", ...) > 1 and of(t) or 0
end

costs["table.remove"] = function(t, ...)
  return select("#", ...) > 0 and of(t) or 0
end

costs["table.unpack"] = of

costs["table.sort"] = function(t)
  local n = of(t)
  return n > 1 and floor(n * math.log(n, 2)) or 0
end

costs["table.move"] = function(_, first, last)
  first, last = tointeger(first), tointeger(last)
  if not first or not last or last <= first then
    return 0
  end
  return last - first > 0 and last - first or math.maxinteger
end

return costs
