/* How wide an element is, followed as the page is resized. */
import { useLayoutEffect, useState } from "react";

export function useWidth(ref, initial = 0) {
  const [width, setWidth] = useState(initial);
  useLayoutEffect(() => {
    if (!ref.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    observer.observe(ref.current);
    setWidth(Math.round(ref.current.getBoundingClientRect().width) || initial);
    return () => observer.disconnect();
  }, [ref, initial]);
  return width;
}
