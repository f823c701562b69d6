-- Consoles and channels by line and by what they say, over Stream's read and unread.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

-- Bytes that a pattern may stretch over; those before them are given up, as a Stream keeps no more either.
local MOST = 1 << 20

-- Bytes that are read at a time for a line: all but the line itself are put back.
local PIECE = 1024

-- How much of what came an error quotes.
local TAIL = 200

local function fail(stream, kind, what, text)
  local tail = text:sub(-TAIL)
  error(core.Error.new({
    kind = kind,
    op = "expect",
    object = stream.name,
    object_type = "stream",
    message = ("%s; %s"):format(what, tail == "" and "nothing came" or ("the last that came is %q"):format(tail)),
  }), 0)
end

-- The seconds that are left, as read takes them.
local function limit(deadline)
  local left = deadline - core.now()
  return left < math.huge and { timeout = math.max(left, 0) } or nil
end

-- Gives the stream back what text() returns, however the scope ends: what was read and not used is not lost.
local function give_back(stream, text)
  return setmetatable({}, { __close = function()
    pcall(stream.unread, stream, text()) -- a stream that is closed meanwhile has no reader any more
  end })
end

-- The end of the first match of any of the patterns, and that pattern.
local function find(text, patterns, plain)
  local first, last, which
  for _, pattern in ipairs(patterns) do
    local from, to = text:find(pattern, 1, plain)
    if from and (not first or from < first) then
      first, last, which = from, to, pattern
    end
  end
  return last, which
end

-- A line without the carriage returns at its end. A pattern takes the square of their number, and a guest may send as many as it likes.
local function without_returns(line)
  local last = #line
  while line:byte(last) == 13 do
    last = last - 1
  end
  return line:sub(1, last)
end

-- Behind the set of characters that begins at that place, or nil if it has no end.
local function after_set(pattern, at)
  at = at + (pattern:sub(at + 1, at + 1) == "^" and 2 or 1)
  repeat
    if at > #pattern then
      return nil
    end
    at = at + (pattern:sub(at, at) == "%" and 2 or 1)
  until pattern:sub(at, at) == "]"
  return at + 1
end

-- What is wrong with a pattern, or nil. string.find sees it only if what comes before it has matched.
local function wrong_in(pattern)
  local at, count, open, closed = 1, 0, {}, {}
  while at and at <= #pattern do
    local sign, after = pattern:sub(at, at), pattern:sub(at + 1, at + 1)
    if sign == "(" then
      count = count + 1
      open[#open + 1] = count
    elseif sign == ")" then
      closed[table.remove(open) or 0] = true
    elseif sign == "%" and (after == "" or after == "b" and at + 3 > #pattern) then
      return after == "" and "it ends with '%'" or "%b needs two characters"
    elseif sign == "%" and after == "f" and pattern:sub(at + 2, at + 2) ~= "[" then
      return "%f needs a set in []"
    elseif sign == "%" and after:find("%d") and not closed[tonumber(after)] then
      return ("there is no capture %%%s"):format(after)
    end
    local set = sign == "[" and at or sign == "%" and after == "f" and at + 2
    at = set and after_set(pattern, set) or not set and at + (sign ~= "%" and 1 or after == "b" and 4 or 2)
  end
  return not at and "a set in [] has no end" or closed[0] and "there is a ')' without a '('" or #open > 0 and "there is a '(' without a ')'"
    or count > 32 and "it has more than 32 captures" or nil
end

local function check_patterns(given)
  local patterns = type(given) == "table" and given or { given }
  if #patterns == 0 then
    define.bad("expect", "pattern", "name at least one pattern")
  end
  for _, pattern in ipairs(patterns) do
    local wrong = wrong_in(pattern)
    if wrong then
      define.bad("expect", "pattern", ("malformed pattern %q: %s"):format(pattern, wrong),
        "{ plain = true } looks for the text as it is; in a pattern %[ is a bracket, and %% a per cent sign")
    end
  end
  return patterns
end

define(core.Stream, "Stream", {
  name = "expect",
  method = true,
  help = "Reads until what came matches a pattern, and no further. For a dialogue: expect(\"login: \"), write(\"root\\n\"), and so on.",
  result = { "string text", "string pattern" },
  returns = "all that came up to the end of the match, at most the last MiB of it, and the pattern that matched. Kinds of errors: timeout, "
    .. "end_of_stream; what came remains to be read",
  params = {
    { name = "pattern", type = "string or list of strings", positional = true, required = true, help = "a pattern of Lua, or a list of them" },
    { name = "plain", type = "boolean", help = "the pattern is a text, in which no character has a special meaning" },
    { name = "timeout", type = "number", help = "seconds to wait at most; default: no limit" },
  },
  run = function(stream, pattern, options)
    local patterns = options.plain and (type(pattern) == "table" and pattern or { pattern }) or check_patterns(pattern)
    local text, deadline = "", core.now() + (options.timeout or math.huge)
    local rest <close> = give_back(stream, function() -- luacheck: ignore rest
      return text
    end)
    while true do
      local bytes = stream:read(limit(deadline))
      if not bytes then
        fail(stream, "end_of_stream", "it ended before it said what was expected", text)
      elseif bytes == "" then
        fail(stream, "timeout", ("what was expected did not come within %g s"):format(options.timeout), text)
      end
      text = (text .. bytes):sub(-MOST)
      local last, which = find(text, patterns, options.plain)
      if last then
        local matched = text:sub(1, last)
        text = text:sub(last + 1)
        return matched, which
      end
    end
  end,
})

define(core.Stream, "Stream", {
  name = "lines",
  method = true,
  help = "For a loop: for line in console:lines{timeout=60} do. Reads line by line, until the stream ends, the loop is left or the time is over.",
  result = "fun(): string?",
  returns = "an iterator over lines without their ends, \\n or \\r\\n",
  params = { { name = "timeout", type = "number", help = "seconds for the whole loop; default: no limit" } },
  run = function(stream, options)
    local deadline = core.now() + (options.timeout or math.huge)
    return function()
      local text = ""
      local rest <close> = give_back(stream, function() -- luacheck: ignore rest
        return text
      end)
      while true do
        local bytes = stream:read(PIECE, limit(deadline))
        if not bytes then
          local last = text
          text = ""
          return last ~= "" and last or nil
        elseif bytes == "" then
          return nil
        end
        local at = bytes:find("\n", 1, true) -- there is none in what came before
        if at then
          local line = (text .. bytes:sub(1, at - 1)):sub(-MOST)
          text = bytes:sub(at + 1)
          return without_returns(line)
        end
        text = (text .. bytes):sub(-MOST)
      end
    end
  end,
})
