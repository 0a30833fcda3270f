// The items of Maps that are picked, and the visits that lie on them.

/** The visits on the items that are picked: all, where none is. */
export function selected(model) {
  if (!Object.values(model.items).some((item) => item !== undefined)) return model.visits;
  const fits = new Map();
  const line = (number) => {
    if (fits.has(number)) return fits.get(number);
    const { owner, index } = model.lines[number];
    const map = owner === undefined ? undefined : model.visits[owner];
    const item = map && map.type === "Map" ? model.items[map.state] : undefined;
    const answer = (item === undefined || item === index) && (owner === undefined || line(model.visits[owner].line));
    fits.set(number, answer);
    return answer;
  };
  return model.visits.filter((visit) => line(visit.line));
}
