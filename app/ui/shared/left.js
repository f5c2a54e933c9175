// The media a person looked at last, kept in the tab: the viewer opens there after a reload, the grid when one comes back.

const name = (data) => `pugmark:${data.mark}:left`;

export function leaveAt(data, id) {
  try {
    sessionStorage.setItem(name(data), JSON.stringify({ opened: data.opened, id }));
  } catch (error) {
    console.warn("Pugmark: the tab's storage is full or closed", error);
  }
}

export function leftAt(data) {
  try {
    return JSON.parse(sessionStorage.getItem(name(data)) || "null");
  } catch (error) {
    console.warn("Pugmark: what was left is unreadable", error);
    return null;
  }
}

export function forgetLeft(data) {
  sessionStorage.removeItem(name(data));
}
