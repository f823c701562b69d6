-- XML as people read it: an element a line, and what would fill more than a screen folded.

local xml = {}

-- An element, a comment or a text each; nil if it is no XML.
local function tokens_of(text)
  local tokens, at = {}, 1
  while at <= #text do
    local from, to = text:find("^<!%-%-.-%-%->", at)
    if not from then
      from, to = text:find("^<!%[CDATA%[.-%]%]>", at)
    end
    if not from then
      from, to = text:find("^<[^>]*>", at)
    end
    if not from then
      from, to = text:find("^[^<]+", at)
    end
    if not from then
      return nil
    end
    local token = text:sub(from, to)
    if token:find("%S") then
      tokens[#tokens + 1] = token
    end
    at = to + 1
  end
  return tokens
end

-- The lines: a list of {depth=, text=, opens=, closes=}; an element with nothing but text in it is one.
local function lines_of(tokens)
  local lines, depth, i = {}, 0, 1
  while i <= #tokens do
    local token = tokens[i]
    local opens, closes = token:find("^<[%w_]") and not token:find("/>$"), token:find("^</") ~= nil
    if closes then
      depth = depth - 1
    elseif opens and tokens[i + 2] and not tokens[i + 1]:find("^<[^!]") and tokens[i + 2]:find("^</") then
      token = token .. tokens[i + 1] .. tokens[i + 2] -- <name>text</name>
      opens, i = false, i + 2
    elseif opens and tokens[i + 1] and tokens[i + 1]:find("^</") then
      token = token .. tokens[i + 1]
      opens, i = false, i + 1
    end
    lines[#lines + 1] = { depth = depth, text = token, opens = opens, closes = closes }
    depth = depth + (opens and 1 or 0)
    i = i + 1
  end
  return lines
end

local function joined(lines)
  local texts = {}
  for i, line in ipairs(lines) do
    texts[i] = ("  "):rep(line.depth) .. line.text
  end
  return table.concat(texts, "\n")
end

-- Without what is deeper: such an element is one line, that says how many lines it has.
local function folded(lines, deepest)
  local kept, i = {}, 1
  while i <= #lines do
    local line = lines[i]
    if line.opens and line.depth >= deepest then
      local first = i
      repeat
        i = i + 1
      until not lines[i + 1] or lines[i].closes and lines[i].depth == line.depth
      line = { depth = line.depth, text = ("%s … %s (%d lines)"):format(line.text, lines[i].text, i - first - 1) }
    end
    kept[#kept + 1] = line
    i = i + 1
  end
  return kept
end

-- An indented text, of at most so many lines if folding it can do that; and whether it is folded.
function xml.text(text, most)
  local tokens = tokens_of(text)
  if not tokens then
    return text, false
  end
  local lines, deepest = lines_of(tokens), 0
  if #lines <= (most or math.huge) then
    return joined(lines), false
  end
  for _, line in ipairs(lines) do
    deepest = math.max(deepest, line.depth)
  end
  local shown
  repeat
    shown, deepest = folded(lines, deepest), deepest - 1
  until #shown <= most or deepest < 1
  return joined(shown), #shown < #lines
end

return xml
