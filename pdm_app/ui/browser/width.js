/* How wide an element is, followed as the page is resized. */
import { useCallback, useRef, useState } from "react";

/** [ref, width]: give `ref` to the element; `initial` stands until it has been measured. */
export function useWidth(initial = 0) {
  const [width, setWidth] = useState(initial);
  const observer = useRef(null);
  const ref = useCallback((element) => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    observer.current.observe(element);
    setWidth((before) => Math.round(element.getBoundingClientRect().width) || before);
  }, []);
  return [ref, width];
}
